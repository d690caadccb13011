"""DeformConv: new at 19; 22 changed only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.registry import impossible, unchanged

unchanged("DeformConv", 22, 21, WHY)
impossible(
    "DeformConv", 19, 18, "its offsets are known at run time only, and no older operator samples there"
)
