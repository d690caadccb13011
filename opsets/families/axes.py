"""Operators whose axes turned from an attribute into an input."""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite


def axes_input_to_attribute(rewrite: Rewrite) -> None:
    """Squeeze, Unsqueeze and the reductions: a constant second input becomes the ``axes`` attribute.

    An empty list of axes means all of them, as leaving it out does.
    """
    axes = rewrite.constant(1, "axes")
    if axes is not None and axes.size:
        rewrite.set_attribute("axes", [int(axis) for axis in axes.reshape(-1)])
    rewrite.keep_inputs(1)


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
