"""Det: new at 11."""

from __future__ import annotations

from opsets.registry import impossible

impossible("Det", 11, 10, "there is no older operator that solves or factors a matrix")
