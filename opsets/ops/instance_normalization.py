"""InstanceNormalization: any number of spatial axes since 6; 22 changed only the accepted types."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.types import WHY
from opsets.graph import Rewrite
from opsets.registry import adapts, unchanged

unchanged("InstanceNormalization", 22, 21, WHY)


@adapts("InstanceNormalization", 6, 5)
def instance_normalization_6_to_5(rewrite: Rewrite) -> None:
    """Below 6 the data is NCHW: lengths of 1 are put in for axes that are missing; more are laid in one."""
    data = rewrite.required(0)
    rank = rewrite.rank(data)
    if rank == 4:
        return
    flat = rewrite.add("Reshape", [data, _shape(rewrite, [0, 0, 1, -1])])
    rest = {"epsilon": rewrite.real("epsilon", 1e-5)}
    result = rewrite.add("InstanceNormalization", [flat, *rewrite.node.inputs[1:]], rest, shape=flat.shape)
    lengths = [rewrite.length(data, axis) for axis in range(2, rank)]
    rewrite.replace(rewrite.add("Reshape", [result, _shape(rewrite, [0, 0, *lengths])]))


def _shape(rewrite: Rewrite, lengths: list[int]) -> ir.Value:
    return rewrite.initializer(np.array(lengths, dtype=np.int64), "shape")
