"""The error of this room."""

from __future__ import annotations


class QuantizationError(Exception):
    """A model cannot be said in a lower precision; the message says which, and why."""
