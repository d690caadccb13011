"""What operators do to small tensors of lengths: one rule for each, on arrays of objects."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import sympy  # type: ignore[import-untyped]

from opsets.facts.lengths import Length, quotient
from opsets.nodes import cast_type

Entries = npt.NDArray[Any]
"""An array of dtype object: ints, bools or sympy expressions."""

LARGEST = 4096
"""Elements; a tensor of lengths is small."""


class Unknown(Exception):  # noqa: N818 - caught where it is raised, never seen outside
    """The value does not follow from lengths and constants."""


KINDS = (ir.DataType.INT64, ir.DataType.INT32, ir.DataType.BOOL)
REAL = (ir.DataType.FLOAT, ir.DataType.DOUBLE)
"""Types in which exporters divide lengths, to cast the result back."""
EXACT = 1 << 24
"""Integers below this are exact in float32, and so are their quotients once they are rounded."""


def array_of(values: Any) -> Entries:
    result = np.empty(np.shape(values), dtype=object)
    result[...] = values
    return result


def _elementwise(function: Callable[..., Any]) -> Callable[[ir.Node, list[Any]], Entries]:
    ufunc = np.frompyfunc(function, 2, 1)

    def rule(node: ir.Node, inputs: list[Any]) -> Entries:
        result = inputs[0]
        for other in inputs[1:]:
            if np.broadcast(result, other).size > LARGEST:
                raise Unknown
            result = ufunc(result, other)
        return array_of(result)

    return rule


def _decided(relation: Any) -> bool:
    if relation in (True, sympy.true):
        return True
    if relation in (False, sympy.false):
        return False
    raise Unknown  # it depends on the length


def plain(entries: Entries) -> Entries:
    """``entries`` with ints for what sympy has worked out to be one."""
    return array_of(
        np.frompyfunc(lambda entry: int(entry) if isinstance(entry, sympy.Integer) else entry, 1, 1)(entries)
    )


def _division(node: ir.Node, inputs: list[Any]) -> Entries:
    if node.outputs[0].dtype in REAL:
        return _elementwise(lambda a, b: sympy.sympify(a) / b)(node, inputs)
    return _elementwise(_divided)(node, inputs)


def _divided(total: Length, part: Length) -> Length:
    """The quotient, cut off towards zero."""
    if isinstance(total, int) and isinstance(part, int):
        whole = abs(total) // abs(part)
        return whole if (total < 0) == (part < 0) else -whole
    result = quotient(total, part)
    signs = [sympy.sympify(length).is_nonnegative for length in (total, part)]
    if not all(signs) and not sympy.sympify(total / part).is_integer:
        raise Unknown  # it is rounded up or down
    return result


def _remainder(node: ir.Node, inputs: list[Any]) -> Entries:
    if "fmod" in node.attributes and node.attributes["fmod"].as_int():
        raise Unknown
    return _elementwise(lambda a, b: a % b)(node, inputs)


def _integers(node: ir.Node, name: str, inputs: list[Any], index: int) -> list[int] | None:
    """A parameter that is an attribute in older forms and an input in newer ones."""
    if name in node.attributes:
        return list(node.attributes[name].as_ints())
    if index < len(inputs) and inputs[index] is not None:
        return [int(entry) for entry in inputs[index].reshape(-1)]
    return None


def _gather(node: ir.Node, inputs: list[Any]) -> Entries:
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 0
    return array_of(np.take(inputs[0], inputs[1].astype(np.int64), axis))


def _slice(node: ir.Node, inputs: list[Any]) -> Entries:
    starts, ends = _integers(node, "starts", inputs, 1), _integers(node, "ends", inputs, 2)
    assert starts is not None
    assert ends is not None
    axes = _integers(node, "axes", inputs, 3) or list(range(len(starts)))
    steps = _integers(node, "steps", inputs, 4) or [1] * len(starts)
    cut = [slice(None)] * inputs[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 0:
            raise Unknown
        cut[axis] = slice(start, end, step)
    return array_of(inputs[0][tuple(cut)])


def part_of(value: ir.Value) -> Callable[[ir.Node, list[Any]], Entries]:
    """The rule of a Split for one of its outputs."""

    def rule(node: ir.Node, inputs: list[Any]) -> Entries:
        axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 0
        sizes, count = _integers(node, "split", inputs, 1), len(node.outputs)
        if sizes is None:
            sizes = [-(-inputs[0].shape[axis] // count)] * count  # the last one may be smaller
        return array_of(np.split(inputs[0], np.cumsum(sizes)[:-1], axis)[value.index() or 0])

    return rule


def _concat(node: ir.Node, inputs: list[Any]) -> Entries:
    return np.concatenate(inputs, axis=node.attributes["axis"].as_int())


def _unsqueeze(node: ir.Node, inputs: list[Any]) -> Entries:
    axes = _integers(node, "axes", inputs, 1)
    assert axes is not None
    return array_of(np.expand_dims(inputs[0], tuple(axes)))


def _squeeze(node: ir.Node, inputs: list[Any]) -> Entries:
    axes = _integers(node, "axes", inputs, 1)
    return array_of(np.squeeze(inputs[0], None if axes is None else tuple(axes)))


def _cast(node: ir.Node, inputs: list[Any]) -> Entries:
    kind = cast_type(node)
    whole = all(isinstance(entry, int) or entry.is_integer for entry in inputs[0].reshape(-1))
    if kind in REAL or (kind in (ir.DataType.INT64, ir.DataType.INT32) and whole):
        return inputs[0]  # type: ignore[no-any-return]
    raise Unknown


def _reshape(node: ir.Node, inputs: list[Any]) -> Entries:
    target = _integers(node, "shape", inputs, 1)
    assert target is not None
    return np.reshape(inputs[0], target)


def _constant_of_shape(node: ir.Node, inputs: list[Any]) -> Entries:
    value = (
        node.attributes["value"].as_tensor().numpy().reshape(-1)[0] if "value" in node.attributes else None
    )
    if value is None or value.dtype.kind not in "ib":
        raise Unknown
    shape = [int(entry) for entry in inputs[0]]
    if prod(shape) > LARGEST:
        raise Unknown
    return array_of(np.full(shape, value.item(), dtype=object))


def _where(node: ir.Node, inputs: list[Any]) -> Entries:
    return array_of(np.where(inputs[0].astype(bool), inputs[1], inputs[2]))


def _negated(node: ir.Node, inputs: list[Any]) -> Entries:
    return array_of(-inputs[0])


def _rounded(function: Callable[[Any], Any]) -> Callable[[ir.Node, list[Any]], Entries]:
    def rule(node: ir.Node, inputs: list[Any]) -> Entries:
        return array_of(np.frompyfunc(function, 1, 1)(inputs[0]))

    return rule


def _product(node: ir.Node, inputs: list[Any]) -> Entries:
    keep = node.attributes["keepdims"].as_int() if "keepdims" in node.attributes else 1
    if inputs[0].ndim != 1:
        raise Unknown
    return array_of([np.prod(inputs[0])] if keep else np.prod(inputs[0]))


_row = sympy.Function("row", integer=True, nonnegative=True)

ROW_BY_ROW = frozenset(("Add", "Cast", "Identity", "Mul", "Reshape", "Sub", "Unsqueeze"))
"""Operators that do the same in every row."""


def _range(node: ir.Node, inputs: list[Any]) -> Entries:
    """The numbers of the rows, as one entry that stands for all of them."""
    start, limit, step = (entries.item() for entries in inputs)
    if isinstance(limit, int) or (start, step) != (0, 1):
        raise Unknown  # with ints it is a constant, and folded as one
    return array_of([_row(limit)])


def has_rows(entries: Entries) -> bool:
    """Whether an entry stands for all rows."""
    return any(not isinstance(entry, int) and entry.has(_row) for entry in entries.reshape(-1))


def row_of(entries: Entries) -> tuple[Length, Length] | None:
    """The number of a row as it stands in ``entries``, and the number of rows; None without exactly one."""
    rows = {row for entry in entries.reshape(-1) if not isinstance(entry, int) for row in entry.atoms(_row)}
    if len(rows) != 1:
        return None
    row = rows.pop()
    return row, row.args[0]


def _same(node: ir.Node, inputs: list[Any]) -> Entries:
    return inputs[0]  # type: ignore[no-any-return]


RULES: dict[str, Callable[[ir.Node, list[Any]], Entries]] = {
    "Shape": _same,
    "Size": _same,
    "Split": _same,
    "Identity": _same,
    "Gather": _gather,
    "Slice": _slice,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Cast": _cast,
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
    "Where": _where,
    "Neg": _negated,
    "ReduceProd": _product,
    "Add": _elementwise(lambda a, b: a + b),
    "Sub": _elementwise(lambda a, b: a - b),
    "Mul": _elementwise(lambda a, b: a * b),
    "Div": _division,
    "Floor": _rounded(sympy.floor),
    "Ceil": _rounded(sympy.ceiling),
    "Mod": _remainder,
    "Min": _elementwise(
        lambda a, b: min(a, b) if isinstance(a, int) and isinstance(b, int) else sympy.Min(a, b)
    ),
    "Max": _elementwise(
        lambda a, b: max(a, b) if isinstance(a, int) and isinstance(b, int) else sympy.Max(a, b)
    ),
    "Equal": _elementwise(lambda a, b: _decided(sympy.Eq(a, b))),
    "Less": _elementwise(lambda a, b: _decided(sympy.Lt(a, b))),
    "Greater": _elementwise(lambda a, b: _decided(sympy.Gt(a, b))),
}
