"""Unique: new at 11."""

from __future__ import annotations

from opsets.registry import refuses

refuses("Unique", 11, 10, "no older operator finds elements that are equal, and counts them")
