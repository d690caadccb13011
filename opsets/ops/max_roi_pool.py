"""MaxRoiPool: 22 changed only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.registry import unchanged

unchanged("MaxRoiPool", 22, 21, WHY)
