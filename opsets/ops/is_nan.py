"""IsNaN: new at 9. IsInf: new at 10."""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.families.arithmetic import is_number, with_number
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("IsNaN", 13, 12, "only the accepted types changed")


@adapts("IsNaN", 9, 8)
def is_nan_9_to_8(rewrite: Rewrite) -> None:
    """What is no number. Exact."""
    rewrite.replace(rewrite.add("Not", [is_number(rewrite, rewrite.required(0))]))


@adapts("IsInf", 10, 9)
def is_inf_10_to_9(rewrite: Rewrite) -> None:
    """What is below the lowest finite number, or its negative is. Exact."""
    data = rewrite.required(0)
    limit = float(np.finfo(rewrite.kind(data)).max)
    found = []
    if rewrite.integer("detect_negative", 1):
        found.append(with_number(rewrite, "Less", data, -limit, "limit"))
    if rewrite.integer("detect_positive", 1):
        found.append(with_number(rewrite, "Less", rewrite.add("Neg", [data]), -limit, "limit"))
    if not found:
        raise CannotAdapt("it detects infinities of neither sign")
    rewrite.replace(found[0] if len(found) == 1 else rewrite.add("Or", found))
