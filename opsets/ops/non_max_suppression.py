"""NonMaxSuppression: 11 says more about its thresholds; new at 10."""

from __future__ import annotations

from opsets.registry import refused, unchanged

unchanged("NonMaxSuppression", 11, 10, "only the description of its thresholds changed")
refused("NonMaxSuppression", 10, 9, "how many boxes it selects is known at run time only")
