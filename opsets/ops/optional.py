"""Optional, OptionalHasElement and OptionalGetElement: new at 15, with a type of their own."""

from __future__ import annotations

from opsets.registry import impossible

for operator in ("Optional", "OptionalGetElement", "OptionalHasElement"):
    impossible(operator, 15, 14, "there are no values of optional type below 15")
