"""NonZero: 13 changed only the accepted types; new at 9."""

from __future__ import annotations

from opsets.registry import refused, unchanged

unchanged("NonZero", 13, 12, "only the accepted types changed")
refused("NonZero", 9, 8, "how many places it finds is known at run time only")
