"""Det: new at 11."""

from __future__ import annotations

from opsets.registry import refuses

refuses("Det", 11, 10, "no older operator solves or factors a matrix")
