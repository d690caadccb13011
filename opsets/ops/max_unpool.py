"""MaxUnpool: new at 9; 11 changed only the wording, 22 only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.registry import alike, refuses

alike("MaxUnpool", 22, 21, WHY)
alike("MaxUnpool", 11, 10, "only the wording changed")
refuses("MaxUnpool", 9, 8, "no older operator writes to places that another input names")
