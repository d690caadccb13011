"""RMSNormalization: new at 23."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("RMSNormalization", 23, 22)
def rms_normalization_23_to_22(rewrite: Rewrite) -> None:
    """``x / sqrt(mean(x * x) + epsilon) * scale``, as the operator is defined; float32 only."""
    data, scale = rewrite.required(0), rewrite.required(1)
    if data.dtype != ir.DataType.FLOAT:
        raise CannotAdapt(f"its input is {data.dtype}, and only float32 is normalised in its own type")
    rank = rewrite.rank(data)
    axis = rewrite.integer("axis", -1) % rank
    axes = rewrite.initializer(np.arange(axis, rank, dtype=np.int64), "axes")
    mean = rewrite.add("ReduceMean", [rewrite.add("Mul", [data, data]), axes], {"keepdims": 1})
    epsilon = rewrite.number(rewrite.real("epsilon", 1e-5), data, "epsilon")
    deviation = rewrite.add("Sqrt", [rewrite.add("Add", [mean, epsilon])])
    rewrite.replace(rewrite.add("Mul", [rewrite.add("Div", [data, deviation]), scale]))
