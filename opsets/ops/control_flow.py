"""If, Loop and Scan: which types they hand on, and how Scan names its axes.

The types of sequences came at 11 and 13, of optionals at 16. Their bodies are walked like the main graph.
"""

from __future__ import annotations

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.axes import normalise_axes
from opsets.registry import adapts, alike, refuses
from opsets.rewrite import Rewrite

alike("Loop", 16, 15, "only the accepted types changed")
alike("Loop", 13, 12, "only the accepted types changed")
alike("Loop", 11, 10, "only the description changed")
alike("Scan", 16, 15, "only the accepted types changed")
refuses("Scan", 8, 7, "no older operator but a Loop goes through a tensor step by step with states")


@adapts("If", 11, 10)
def if_11_to_10(rewrite: Rewrite) -> None:
    """Below 11 both branches have to give the same shapes; nothing else changes."""
    branches = [rewrite.node.attributes[name].as_graph() for name in ("then_branch", "else_branch")]
    for first, second in zip(*(branch.outputs for branch in branches), strict=True):
        if first.shape is None or second.shape is None:
            continue
        pairs = list(zip(first.shape, second.shape, strict=False))
        if len(first.shape) != len(second.shape) or any(
            one != other for one, other in pairs if isinstance(one, int) and isinstance(other, int)
        ):
            raise CannotAdapt(
                f"its branches give shapes {first.shape} and {second.shape}, which have to be one"
            )


@adapts("Scan", 11, 10)
def scan_11_to_10(rewrite: Rewrite) -> None:
    """Negative axes are counted from the front, of inputs and outputs that all have one rank."""
    count = rewrite.integer("num_scan_inputs", 0)
    states = len(rewrite.node.inputs) - count
    for name, values in (
        ("scan_input_axes", rewrite.node.inputs[states:]),
        ("scan_output_axes", rewrite.node.outputs[states:]),
    ):
        if any(axis < 0 for axis in rewrite.integers(name) or ()):
            ranks = {rewrite.rank(value) for value in values if value is not None}
            if len(ranks) > 1:
                raise CannotAdapt(f"its {name} are negative, of tensors of ranks {sorted(ranks)}")
            normalise_axes(rewrite, name, ranks.pop())


@adapts("Scan", 9, 8)
def scan_9_to_8(rewrite: Rewrite) -> None:
    """A batch of one sequence, along axis 1."""
    if any(rewrite.integers("scan_output_directions") or ()):
        raise CannotAdapt("it collects an output in reverse (scan_output_directions)")
    count = rewrite.integer("num_scan_inputs", 0)
    states = len(rewrite.node.inputs) - count
    scanned = len(rewrite.node.outputs) - states
    axes_in = rewrite.integers("scan_input_axes") or [0] * count
    axes_out = rewrite.integers("scan_output_axes") or [0] * scanned
    inputs = [rewrite.required(index) for index in range(len(rewrite.node.inputs))]
    moved = inputs[:states] + [
        _moved(rewrite, value, axis, 0) for value, axis in zip(inputs[states:], axes_in, strict=True)
    ]
    batched = [rewrite.add("Unsqueeze", [value], {"axes": [0]}) for value in moved]
    attributes = {"body": rewrite.node.attributes["body"].as_graph(), "num_scan_inputs": count}
    if rewrite.has("scan_input_directions"):
        attributes["directions"] = rewrite.integers("scan_input_directions")
    raw = rewrite.add_many("Scan", [None, *batched], attributes, len(rewrite.node.outputs))
    results = []
    for index, (value, old) in enumerate(zip(raw, rewrite.node.outputs, strict=True)):
        squeezed = rewrite.add("Squeeze", [value], {"axes": [0]}, kind=old.dtype)
        squeezed.shape = old.shape if index < states else _front(old.shape, axes_out[index - states])
        results.append(squeezed if index < states else _moved(rewrite, squeezed, 0, axes_out[index - states]))
    rewrite.replace(*results)


def _front(shape: ir.Shape | None, axis: int) -> ir.Shape | None:
    if shape is None:
        return None
    dims = list(shape)
    return ir.Shape([dims.pop(axis), *dims])


def _moved(rewrite: Rewrite, value: ir.Value, axis: int, to: int) -> ir.Value:
    if axis == to:
        return value
    order = list(range(rewrite.rank(value)))
    order.insert(to, order.pop(axis))
    return rewrite.add("Transpose", [value], {"perm": order})


@adapts("Scan", 8, 9)
def scan_8_to_9(rewrite: Rewrite) -> None:
    """A batch of one sequence loses its axis; the newer form knows no other."""
    if rewrite.input(0) is not None:
        raise CannotAdapt("its sequences have lengths of their own (sequence_lens)")
    count = rewrite.integer("num_scan_inputs", 0)
    inputs = [rewrite.required(index) for index in range(1, len(rewrite.node.inputs))]
    if any(rewrite.lengths(value)[0] != 1 for value in inputs):
        raise CannotAdapt("it goes through a batch of more than one sequence, or of unknown length")
    single = [rewrite.add("Squeeze", [value], {"axes": [0]}) for value in inputs]
    attributes = {"body": rewrite.node.attributes["body"].as_graph(), "num_scan_inputs": count}
    if rewrite.has("directions"):
        attributes["scan_input_directions"] = rewrite.integers("directions")
    raw = rewrite.add_many("Scan", single, attributes, len(rewrite.node.outputs))
    results = []
    for value, old in zip(raw, rewrite.node.outputs, strict=True):
        value.shape = None if old.shape is None else ir.Shape(list(old.shape)[1:])
        results.append(rewrite.add("Unsqueeze", [value], {"axes": [0]}, kind=old.dtype, shape=old.shape))
    rewrite.replace(*results)
