"""MaxRoiPool: 22 changed only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.registry import alike

alike("MaxRoiPool", 22, 21, WHY)
