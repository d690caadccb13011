"""Axes: those that turned from an attribute into an input at 13; negative ones, new at 11."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.parameters import integers_to_input
from opsets.rewrite import Rewrite


def normalise_axis(rewrite: Rewrite, name: str, default: int, rank: int) -> int:
    """Let the attribute ``name`` count from the front, of ``rank`` axes, and return it.

    ``default`` is what the newer form takes where the attribute is left out; it is written out where
    it is negative, as the older form reads it otherwise. An axis that is given counts as it is given.
    """
    given = rewrite.integer(name, default)
    axis = _from_front(given, rank)
    if axis != given:
        rewrite.set_attribute(name, axis)
    return axis


def normalise_axes(rewrite: Rewrite, name: str, rank: int) -> list[int] | None:
    """Let the axes in the attribute ``name`` count from the front, and return them; None where left out."""
    given = rewrite.integers(name)
    if given is None:
        return None
    axes = [_from_front(axis, rank) for axis in given]
    if axes != given:
        rewrite.set_attribute(name, axes)
    return axes


def axis_from_back(default: int) -> Callable[[Rewrite], None]:
    """An adapter for an operator whose ``axis``, of its first input, was counted from the front only."""

    def adapter(rewrite: Rewrite) -> None:
        if rewrite.integer("axis", default) < 0:
            normalise_axis(rewrite, "axis", default, rewrite.rank(rewrite.required(0)))

    adapter.__doc__ = "A negative axis is counted from the front."
    return adapter


def axes_from_back(rewrite: Rewrite) -> None:
    """Negative ``axes`` of the first input are counted from the front."""
    if any(axis < 0 for axis in rewrite.integers("axes") or ()):
        normalise_axes(rewrite, "axes", rewrite.rank(rewrite.required(0)))


def _from_front(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise CannotAdapt(f"axis {axis} does not exist: there are {rank} axes")
    return axis % rank


def axes_input_to_attribute(rewrite: Rewrite) -> None:
    """Squeeze, Unsqueeze and the reductions: a constant second input becomes the ``axes`` attribute.

    An empty list of axes means all of them, as leaving it out does.
    """
    axes = rewrite.constant(1, "axes")
    if axes is not None and axes.size:
        rewrite.set_attribute("axes", [int(axis) for axis in axes.reshape(-1)])
    rewrite.keep_inputs(1)


def axes_to_input(rewrite: Rewrite) -> None:
    """The ``axes`` attribute becomes the second input; an empty one is left out, and means all axes."""
    if not rewrite.integers("axes"):
        rewrite.drop_attribute("axes")
    integers_to_input(rewrite, "axes", 1)


def reduction(rewrite: Rewrite) -> None:
    """A reduction with an axes input; ``noop_with_empty_axes`` makes an identity of one without."""
    axes = rewrite.constant(1, "axes")
    if rewrite.integer("noop_with_empty_axes", 0) and (axes is None or not axes.size):
        if rewrite.node.op_type not in ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"):
            raise CannotAdapt("noop_with_empty_axes without axes is not defined alike by all runtimes")
        rewrite.replace(rewrite.add("Identity", [rewrite.required(0)]))
        return
    rewrite.drop_attribute("noop_with_empty_axes")
    axes_input_to_attribute(rewrite)


def swapped(rank: int, first: int, second: int) -> list[int]:
    """The order of ``rank`` axes with two of them in each other's place: its own inverse."""
    order = list(range(rank))
    order[first], order[second] = order[second], order[first]
    return order


def summed(rewrite: Rewrite, value: ir.Value, axis: int) -> ir.Value:
    """The sums along ``axis``, which goes; ReduceSum takes it as an input since 13."""
    if rewrite.opset < 13:
        return rewrite.add("ReduceSum", [value], {"axes": [axis], "keepdims": 0})
    axes = rewrite.initializer(np.array([axis], dtype=np.int64), "axes")
    return rewrite.add("ReduceSum", [value, axes], {"keepdims": 0})
