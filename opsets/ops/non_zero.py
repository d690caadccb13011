"""NonZero: 13 changed only the accepted types; new at 9."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.arithmetic import is_number
from opsets.families.copies import cast, reshaped
from opsets.families.counting import first_places, places_where
from opsets.families.indices import length_at_run_time
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("NonZero", 13, 12, "only the accepted types changed")


@adapts("NonZero", 9, 8)
def non_zero_9_to_8(rewrite: Rewrite) -> None:
    """What is not 0 is counted, and found in the flat tensor by how many others stand before it."""
    data, result = rewrite.required(0), rewrite.node.outputs[0]
    rank = rewrite.rank(data)
    if not rank:
        raise CannotAdapt("its input is a scalar, of which it makes no places")
    count = rewrite.lengths(result)[1]
    if (length := _length_of_ones(data)) is not None:
        places = first_places(rewrite, length, count)
    else:
        places = places_where(rewrite, reshaped(rewrite, _flags(rewrite, data), [-1]), count)
    rows = _along_axes(rewrite, data, places)
    rows = [rewrite.add("Unsqueeze", [row], {"axes": [0]}) for row in rows]
    rewrite.replace(rows[0] if rank == 1 else rewrite.add("Concat", rows, {"axis": 0}))


def _length_of_ones(data: ir.Value) -> ir.Value | None:
    """The one element of the shape of ``data`` where it is a row of ones, made by what counts places."""
    node = data.producer()
    if node is None or node.op_type != "Expand" or data.shape is None or len(data.shape) != 1:
        return None
    element = node.inputs[0]
    constant = None if element is None else element.const_value
    return node.inputs[1] if constant is not None and constant.numpy().all() else None


def _flags(rewrite: Rewrite, data: ir.Value) -> ir.Value:
    """1 where ``data`` is not 0, as a NaN is not, and 0 elsewhere, in float32."""
    assert data.dtype is not None
    if not data.dtype.is_floating_point():
        return cast(rewrite, cast(rewrite, data, ir.DataType.BOOL), ir.DataType.FLOAT)
    # Runtimes differ in what a NaN is as a bool, and in whether it is greater than a number.
    zero = rewrite.number(0, data, "zero")
    signs = [rewrite.add("Less", [each, zero]) for each in (data, rewrite.add("Neg", [data]))]
    strange = rewrite.add("Not", [is_number(rewrite, data)])
    found = rewrite.add("Or", [rewrite.add("Or", signs), strange])
    return cast(rewrite, found, ir.DataType.FLOAT)


def _along_axes(rewrite: Rewrite, data: ir.Value, places: ir.Value) -> Sequence[ir.Value]:
    """For each axis of ``data``, where along it what stands at ``places`` of the flat tensor is."""
    rows = []
    for axis, length in reversed(list(enumerate(rewrite.lengths(data)))):
        if not axis:
            break
        divisor = _divisor(rewrite, data, axis, length)
        above = rewrite.add("Div", [places, divisor])
        rows.append(rewrite.add("Sub", [places, rewrite.add("Mul", [above, divisor])]))
        places = above
    return [places, *reversed(rows)]


def _divisor(rewrite: Rewrite, data: ir.Value, axis: int, length: Length) -> ir.Value:
    if isinstance(length, int):
        return rewrite.initializer(np.array(length, np.int64), "length")
    return length_at_run_time(rewrite, data, axis)
