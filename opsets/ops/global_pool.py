"""GlobalAveragePool, GlobalMaxPool and GlobalLpPool: 22 changed only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.registry import alike

for operator in ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"):
    alike(operator, 22, 21, WHY)
