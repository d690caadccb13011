"""Reshape: ``allowzero`` since 14; 13 changed only the accepted types; the shape is an input since 5."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length, reshaped
from opsets.families.arithmetic import NARROW, bound_of_double
from opsets.families.copies import cast
from opsets.families.parameters import integers_to_input
from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite

_FLOATS = (ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16)
"""What the oldest form takes."""


@adapts("Reshape", 14, 13)
def reshape_14_to_13(rewrite: Rewrite) -> None:
    """A 0 copies a length below 14; where ``allowzero`` means it, there is no element to reshape."""
    if rewrite.integer("allowzero", 0):
        shape = rewrite.constant(1, "shape")
        assert shape is not None
        if (shape == 0).any():
            if (shape < 0).any():
                raise CannotAdapt("it asks for an axis of length 0 and one of what is left (allowzero)")
            empty = np.zeros(shape, dtype=rewrite.kind(rewrite.required(0)))
            rewrite.forward(rewrite.initializer(empty, "empty"))
            return
    rewrite.drop_attribute("allowzero")


@adapts("Reshape", 5, 4)
def reshape_5_to_4(rewrite: Rewrite) -> None:
    """A constant shape becomes the ``shape`` attribute, where 0 and -1 mean the same.

    So does one of lengths, as far as they can be copied from the input. Integers and bools only gain
    and lose axes of length 1, or are floats meanwhile.
    """
    data, shape = rewrite.required(0), rewrite.required(1)
    array, entries = rewrite.constant_or_none(shape), rewrite.lengths_in(shape)
    if entries is None:
        raise CannotAdapt(f"its shape ({shape.name}) is computed at run time, not constant")
    if array is not None and data.dtype in _FLOATS:
        rewrite.set_attribute("shape", [int(entry) for entry in array.reshape(-1)])
        rewrite.keep_inputs(1)
        return
    own, wanted = rewrite.lengths(data), reshaped(rewrite.lengths(data), list(entries.reshape(-1)))
    if data.dtype in _FLOATS:
        rewrite.replace(reshape(rewrite, data, wanted))
    elif [length for length in own if length != 1] == [length for length in wanted if length != 1]:
        rewrite.replace(_with_ones(rewrite, data, wanted))
    else:
        _through_floats(rewrite, data, wanted)


def _with_ones(rewrite: Rewrite, data: ir.Value, wanted: list[Length]) -> ir.Value:
    """``data`` with axes of length 1 where ``wanted`` has them; the other axes are the same."""
    axes = [axis for axis, length in enumerate(rewrite.lengths(data)) if length == 1]
    if axes:
        data = rewrite.add("Squeeze", [data], {"axes": axes})
    axes = [axis for axis, length in enumerate(wanted) if length == 1]
    return rewrite.add("Unsqueeze", [data], {"axes": axes}) if axes else data


def _through_floats(rewrite: Rewrite, data: ir.Value, wanted: list[Length]) -> None:
    kind = data.dtype
    assert kind is not None
    exact = kind == ir.DataType.BOOL or kind in NARROW
    if not exact:
        bound_of_double(rewrite)
    floats = cast(rewrite, data, ir.DataType.FLOAT if exact else ir.DataType.DOUBLE)
    rewrite.replace(cast(rewrite, reshape(rewrite, floats, wanted), kind))


@adapts("Reshape", 4, 5)
def reshape_4_to_5(rewrite: Rewrite) -> None:
    """The ``shape`` attribute becomes an input."""
    rewrite.drop_attribute("consumed_inputs")
    integers_to_input(rewrite, "shape", 1)
