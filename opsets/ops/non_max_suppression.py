"""NonMaxSuppression: 11 says more about its thresholds; new at 10."""

from __future__ import annotations

from opsets.registry import alike, refuses

alike("NonMaxSuppression", 11, 10, "only the description of its thresholds changed")
refuses(
    "NonMaxSuppression", 10, 9, "no older operator but a Loop takes boxes one after the other by those before"
)
