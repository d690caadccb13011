"""EyeLike: new at 9."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("EyeLike", 9, 8)
def eye_like_9_to_8(rewrite: Rewrite) -> None:
    """A constant, as lengths and diagonal are known."""
    data = rewrite.required(0)
    kind = ir.DataType(rewrite.integer("dtype", int(data.dtype or ir.DataType.FLOAT)))
    rows, columns = rewrite.length(data, 0), rewrite.length(data, 1)
    eye = np.eye(rows, columns, rewrite.integer("k", 0)).astype(kind.numpy())
    rewrite.forward(rewrite.initializer(eye, "eye"))
