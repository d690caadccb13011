"""NonZero: 13 changed only the accepted types; new at 9."""

from __future__ import annotations

from opsets.registry import alike, refuses

alike("NonZero", 13, 12, "only the accepted types changed")
refuses("NonZero", 9, 8, "no older operator but a Loop makes an output whose size depends on the data")
