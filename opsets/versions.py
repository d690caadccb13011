"""Versions, as the onnx package itself knows them."""

from __future__ import annotations

import onnx
from onnx.helper import VERSION_TABLE


def since_version(operator: str, opset: int) -> int | None:
    """The opset in which the form of ``operator`` that holds at ``opset`` appeared; None if none does."""
    try:
        return int(onnx.defs.get_schema(operator, opset, "").since_version)
    except onnx.defs.SchemaError:
        return None


def ir_version(opset: int) -> int:
    """The IR version of the first ONNX release that had ``opset``: what its runtimes accept."""
    return next(int(row[1]) for row in VERSION_TABLE if row[2] >= opset)
