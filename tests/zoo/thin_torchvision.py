"""Thin networks of torchvision; see ``thin_worker.py``."""

from __future__ import annotations

from thin_pytorch import fresh_names, operators, shorten_layers

__all__ = ["fresh_names", "operators", "shorten_layers"]
