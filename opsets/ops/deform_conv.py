"""DeformConv: new at 19; 22 changed only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.registry import alike, refuses

alike("DeformConv", 22, 21, WHY)
refuses("DeformConv", 19, 18, "no older operator samples at places that another input names")
