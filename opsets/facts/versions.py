"""Versions, as the onnx package itself knows them."""

from __future__ import annotations

from functools import cache

import onnx
from onnx.helper import VERSION_TABLE

INITIALIZERS_ALONE = 4
"""The IR version from which on an initializer need not be a graph input, too."""


@cache
def schema_at(operator: str, opset: int, domain: str = "") -> onnx.defs.OpSchema | None:
    """The form of ``operator`` of ``domain`` that holds at its ``opset``; None where it has none."""
    try:
        return onnx.defs.get_schema(operator, opset, domain)
    except onnx.defs.SchemaError:
        return None


def since_version(operator: str, opset: int) -> int | None:
    """The opset in which the form of ``operator`` that holds at ``opset`` appeared; None if none does."""
    schema = schema_at(operator, opset)
    return None if schema is None else int(schema.since_version)


def ir_version(opset: int) -> int:
    """The IR version of the first ONNX release that had ``opset``: what its runtimes accept."""
    return next(int(row[1]) for row in VERSION_TABLE if row[2] >= opset)
