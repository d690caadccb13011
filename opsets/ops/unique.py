"""Unique: new at 11."""

from __future__ import annotations

from opsets.registry import refuses

refuses(
    "Unique",
    11,
    10,
    "no older operator but a Loop tells equal elements of an axis from others and counts them",
)
