"""Which types an operator's form accepts, as the onnx package's schemas have it."""

from __future__ import annotations

from functools import cache

import onnx
import onnx_ir as ir

from opsets.facts.versions import schema_at


@cache
def _accepted(operator: str, opset: int, outputs: bool) -> tuple[tuple[frozenset[str], ...], bool]:
    """The types of each input or output, and whether the last stands for all that follow."""
    schema = schema_at(operator, opset)
    assert schema is not None
    entries = schema.outputs if outputs else schema.inputs
    types = tuple(frozenset(map(str, entry.types)) for entry in entries)
    variadic = bool(types) and entries[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic
    return types, variadic


@cache
def _name(kind: ir.DataType) -> str:
    """What schemas call a tensor of this type."""
    return f"tensor({kind.name.lower()})"


def refused_type(node: ir.Node, opset: int) -> str | None:
    """Why the form of ``node`` at ``opset`` refuses its inputs or outputs; None where it accepts them."""
    if schema_at(node.op_type, opset) is None:
        return f"there is no {node.op_type} at opset {opset}"
    for word, values in (("input", node.inputs), ("output", node.outputs)):
        accepted, variadic = _accepted(node.op_type, opset, word == "output")
        for index, value in enumerate(values):
            if value is None or not isinstance(value.type, ir.TensorType):
                continue
            if index >= len(accepted) and not variadic:
                return f"{word} {index} is one too many at opset {opset}"
            name = _name(value.type.dtype)
            if name not in accepted[min(index, len(accepted) - 1)]:
                return f"{word} {index} may not be {name} at opset {opset}"
    return None
