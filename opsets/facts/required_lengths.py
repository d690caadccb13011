"""Lengths that operators ask to be equal: where two are fixed and differ, a graph cannot be computed.

onnx's inference looks at some of them only; each rule follows the operator's text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import mul

import onnx_ir as ir
import sympy  # type: ignore[import-untyped]

from opsets.facts.inference import ShapeInference
from opsets.facts.lengths import Length
from opsets.facts.shape_rules import RULES, numbers

Lengths = list[Length]


@dataclass(frozen=True)
class Requirement:
    """What a node is given has to be as long as what it takes."""

    given: Length
    taken: Length
    of: str
    """What is counted: ``channels``."""
    broadcast: bool = False
    """Whether either may be 1 instead."""
    trouble: str = "takes {taken} {of} and is given {given}"
    """What is wrong where they differ, with the fields to be filled in; the node is its subject."""

    def __str__(self) -> str:
        return self.trouble.format(taken=self.taken, given=self.given, of=self.of)

    @property
    def is_met(self) -> bool | None:
        """Whether the two are equal; None where that is open."""
        if self.given == self.taken or (self.broadcast and 1 in (self.given, self.taken)):
            return True
        fixed = isinstance(self.given, int) and isinstance(self.taken, int)
        return False if fixed else None


def requirements(node: ir.Node, inference: ShapeInference) -> list[Requirement]:
    """What ``node`` asks of the lengths that it is given, as far as they are known."""
    rule = _RULES.get(node.op_type)
    if rule is None or node.domain:
        return []
    given = [
        None if value is None or value.shape is None else inference.lengths(value) for value in node.inputs
    ]
    try:
        return rule(node, given, inference)
    except (IndexError, TypeError, ValueError):  # not enough axes: the checker says so
        return []


_Rule = Callable[[ir.Node, list[Lengths | None], ShapeInference], list[Requirement]]


def _reshape(node: ir.Node, given: list[Lengths | None], inference: ShapeInference) -> list[Requirement]:
    if given[0] is None or node.outputs[0].shape is None or numbers(node, "shape", 1) is None:
        return []  # what is only declared of the output is not believed
    made = inference.lengths(node.outputs[0])
    return [Requirement(reduce(mul, given[0], 1), reduce(mul, made, 1), "elements")]


def _product(_node: ir.Node, given: list[Lengths | None], _inference: ShapeInference) -> list[Requirement]:
    first, second = given[:2]
    if not first or not second:
        return []
    return [Requirement(first[-1], second[-2] if len(second) > 1 else second[0], "features")]


def _gemm(node: ir.Node, given: list[Lengths | None], _inference: ShapeInference) -> list[Requirement]:
    first, second = given[:2]
    if first is None or second is None:
        return []
    rows, columns = _is_set(node, "transA"), _is_set(node, "transB")
    return [Requirement(first[0 if rows else 1], second[1 if columns else 0], "features")]


def _is_set(node: ir.Node, name: str) -> bool:
    return name in node.attributes and bool(node.attributes[name].as_int())


def _channels(index: int, axis: int, groups: bool = False) -> _Rule:
    """The second axis of the data is as long as ``axis`` of input ``index``, or so many groups of it."""

    def rule(node: ir.Node, given: list[Lengths | None], _inference: ShapeInference) -> list[Requirement]:
        data, weight = given[0], given[index]
        if data is None or weight is None:
            return []
        group = node.attributes["group"].as_int() if groups and "group" in node.attributes else 1
        return [Requirement(data[1], weight[axis] * group, "channels")]

    return rule


def _windows(node: ir.Node, given: list[Lengths | None], inference: ShapeInference) -> list[Requirement]:
    """There is a window at least: the data are not smaller than one."""
    counts = RULES[node.op_type](node, given, inference.opset) or []
    return [
        Requirement(count, _one_at_least(count), f"axis {axis}", trouble=_NO_WINDOW)
        for axis, count in enumerate(counts)
        if axis > 1 and count is not None
    ]


_NO_WINDOW = "has a window that is longer than {of} of what it is given"


def _one_at_least(count: Length) -> Length:
    return max(count, 1) if isinstance(count, int) else sympy.Max(count, 1)


def _convolution(node: ir.Node, given: list[Lengths | None], inference: ShapeInference) -> list[Requirement]:
    return [*_channels(1, 1, groups=True)(node, given, inference), *_windows(node, given, inference)]


def _broadcast(_node: ir.Node, given: list[Lengths | None], inference: ShapeInference) -> list[Requirement]:
    shapes = [lengths for lengths in given if lengths is not None]
    if len(shapes) != len(given) or inference.opset < _NUMPY:
        return []
    return _together(shapes)


_NUMPY = 7
"""The opset from which operators of several operands follow numpy's rules."""


def _together(shapes: list[Lengths]) -> list[Requirement]:
    """What broadcasting asks for: along each axis, from the last, lengths are equal or 1."""
    return [
        Requirement(first[-back], other[-back], f"elements along axis {-back}", broadcast=True)
        for first, *others in (shapes[index:] for index in range(len(shapes)))
        for other in others
        for back in range(1, min(len(first), len(other)) + 1)
    ]


def _expand(node: ir.Node, given: list[Lengths | None], _inference: ShapeInference) -> list[Requirement]:
    target = numbers(node, "shape", 1)
    if given[0] is None or target is None:
        return []
    return _together([given[0], [int(entry) for entry in target]])


def _concatenated(
    node: ir.Node, given: list[Lengths | None], _inference: ShapeInference
) -> list[Requirement]:
    shapes = [lengths for lengths in given if lengths is not None]
    if not shapes:
        return []
    along = node.attributes["axis"].as_int() if "axis" in node.attributes else 1
    return [
        Requirement(other[axis], shapes[0][axis], f"elements along axis {axis}")
        for other in shapes[1:]
        for axis in range(len(shapes[0]))
        if axis != along % len(shapes[0])
    ]


_BROADCASTING = (
    "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mul Or Pow Sub Sum Where Xor"
)
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_BROADCASTING.split(), _broadcast),
    "AveragePool": _windows,
    "BatchNormalization": _channels(1, 0),
    "Concat": _concatenated,
    "Conv": _convolution,
    "ConvTranspose": _channels(1, 0),
    "Expand": _expand,
    "Gemm": _gemm,
    "InstanceNormalization": _channels(1, 0),
    "LpPool": _windows,
    "MatMul": _product,
    "MaxPool": _windows,
    "Reshape": _reshape,
}


MOST_TRIED = 2048
"""Up to which lengths are tried."""


def fitting(requirement: Requirement, symbol: str) -> list[int]:
    """The lengths up to :data:`MOST_TRIED` for the open one called ``symbol`` with which it is met.

    Empty where other lengths are open too.
    """
    difference = sympy.sympify(requirement.given) - sympy.sympify(requirement.taken)
    if {str(each) for each in difference.free_symbols} != {symbol}:
        return []
    [unknown] = difference.free_symbols
    function = sympy.lambdify(unknown, difference, "math")
    return [length for length in range(1, MOST_TRIED + 1) if function(length) == 0]
