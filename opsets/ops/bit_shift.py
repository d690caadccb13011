"""BitShift: new at 11."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.arithmetic import NARROW
from opsets.families.integers import as_type_of
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("BitShift", 11, 10)
def bit_shift_11_to_10(rewrite: Rewrite) -> None:
    """A product or quotient with a power of 2, for constant shifts. Exact."""
    data, shifts = rewrite.required(0), rewrite.constant(1, "shifts")
    assert shifts is not None
    wide = data
    if data.dtype in NARROW:
        wide = rewrite.add("Cast", [data], {"to": int(ir.DataType.UINT32)})
    powers = np.left_shift(np.ones((), np.uint64), shifts.astype(np.uint64)).astype(rewrite.kind(wide))
    operator = "Mul" if rewrite.text("direction", "") == "LEFT" else "Div"
    result = rewrite.add(operator, [wide, rewrite.initializer(powers, "powers")])
    rewrite.replace(result if wide is data else as_type_of(rewrite, result, data))
