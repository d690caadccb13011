"""Unique: new at 11."""

from __future__ import annotations

from opsets.registry import refused

refused("Unique", 11, 10, "how many values it finds is known at run time only")
