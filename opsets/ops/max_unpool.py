"""MaxUnpool: new at 9; 11 changed only the wording, 22 only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.registry import refused, unchanged

unchanged("MaxUnpool", 22, 21, WHY)
unchanged("MaxUnpool", 11, 10, "only the wording changed")
refused("MaxUnpool", 9, 8, "no older operator writes elements to places")
