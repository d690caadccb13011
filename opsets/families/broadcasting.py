"""Operators of two operands: numpy's broadcasting since 7, ``broadcast`` and ``axis`` before.

The older forms copy the second operand only, and only where its shape is a run of the first one's
axes: the last ones, or those from ``axis`` on. Some runtimes ignore ``axis`` without a word, so it is
the last resort: a single element and the last axes need none, small constants are copied, and floats
multiplied with ones until they have the last axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.copies import elements_of, may_be_copied, reshaped, row_of_ones, spread, without_axes
from opsets.families.unknown_lengths import with_equal_lengths
from opsets.registry import adapts
from opsets.rewrite import Rewrite

OPERATORS = ("Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor")

_MIRRORED = {name: name for name in ("Add", "And", "Equal", "Mul", "Or", "Xor")} | {
    "Greater": "Less",
    "Less": "Greater",
}
"""What computes the same with the operands swapped."""

_WITH_AXIS = ("Add", "Div", "Mul", "Sub")
"""The others' ``axis`` is ignored by OpenVINO, whose result is then wrong without a word."""

_FLOATS = (ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16)


def binary(rewrite: Rewrite, operator: str, a: ir.Value, b: ir.Value) -> ir.Value:
    """``operator`` of ``a`` and ``b``, which numpy's rules bring to one shape, in the older opset's form.

    Exact, signs of zero aside: ``c / x`` and ``c ** x`` add zeros made of ``x`` to ``c``, and ``c - x``
    is ``-x + c``. Raises :class:`CannotAdapt` where shapes are not known well enough.
    """
    kind = ir.DataType.BOOL if operator in ("And", "Equal", "Greater", "Less", "Or", "Xor") else a.dtype
    if rewrite.opset >= 7:
        return rewrite.add(operator, [a, b], kind=kind)
    a, b = with_equal_lengths(rewrite, a, b)
    whole = together(rewrite, rewrite.lengths(a), rewrite.lengths(b))
    a, b = _one_whole(rewrite, a, b, whole)
    if rewrite.lengths(a) == whole:
        return _attached(rewrite, operator, a, b, kind)
    if operator in _MIRRORED:
        return _attached(rewrite, _MIRRORED[operator], b, a, kind)
    if operator == "Sub":
        return _attached(rewrite, "Add", rewrite.add("Neg", [b], shape=b.shape), a, kind)
    if operator == "Div" and _is_one(rewrite, a):
        return rewrite.add("Reciprocal", [b], shape=b.shape)
    if may_be_copied(rewrite, a, whole):
        a = spread(rewrite, a, whole)
    else:
        a = _attached(rewrite, "Add", zeros_like(rewrite, b), a, a.dtype)
    return rewrite.add(operator, [a, b], shape=b.shape, kind=kind)


def together(rewrite: Rewrite, first: Sequence[Length], second: Sequence[Length]) -> list[Length]:
    """The lengths that numpy's rules bring ``first`` and ``second`` to."""
    width = max(len(first), len(second))
    pairs = zip(_padded(first, width), _padded(second, width), strict=True)
    return [rewrite.common(one, other) for one, other in pairs]


def zeros_like(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """Zeros of the shape of ``value``; NaN where it is NaN or, but for float32, infinite."""
    if value.dtype == ir.DataType.FLOAT:  # the only one that onnxruntime's old Clip takes
        return rewrite.add("Clip", [value], {"min": 0.0, "max": 0.0}, shape=value.shape)
    return rewrite.add("Sub", [value, value], shape=value.shape)


def _padded(lengths: Sequence[Length], width: int) -> list[Length]:
    return [1] * (width - len(lengths)) + list(lengths)


def _is_one(rewrite: Rewrite, value: ir.Value) -> bool:
    array = rewrite.constant_or_none(value)
    return array is not None and array.dtype.kind == "f" and bool((array == 1).all())


def _one_whole(rewrite: Rewrite, a: ir.Value, b: ir.Value, whole: list[Length]) -> tuple[ir.Value, ir.Value]:
    """The operands, one of which is brought to the lengths of the result if neither has them."""
    lengths = rewrite.lengths(a), rewrite.lengths(b)
    if whole in lengths:
        return a, b
    padded = [_padded(own, len(whole)) for own in lengths]
    # The one that is copied to fixed lengths only; a length that is not known costs more.
    unknown = [
        sum(mine == 1 and not isinstance(wanted, int) for mine, wanted in zip(own, whole, strict=True))
        for own in padded
    ]
    if padded[0] == whole or (padded[1] != whole and unknown[0] <= unknown[1]):
        return spread(rewrite, a, whole), b
    return a, spread(rewrite, b, whole)


def _attached(
    rewrite: Rewrite, operator: str, whole: ir.Value, part: ir.Value, kind: ir.DataType | None
) -> ir.Value:
    """``operator`` of ``whole``, which has the shape of the result, and ``part``, which is copied to it."""
    lengths, axis = rewrite.lengths(whole), None
    if lengths != rewrite.lengths(part) and any(length != 1 for length in rewrite.lengths(part)):
        part, axis = _run_of_axes(rewrite, part, lengths)
    attributes: dict[str, Any] = {} if lengths == rewrite.lengths(part) else {"broadcast": 1}
    if axis is not None and operator not in _WITH_AXIS:
        part = rewrite.add("Add", [zeros_like(rewrite, whole), part], {"broadcast": 1, "axis": axis})
        attributes = {}
    elif axis is not None:
        attributes["axis"] = axis
    return rewrite.add(operator, [whole, part], attributes, shape=whole.shape, kind=kind)


def _run_of_axes(rewrite: Rewrite, part: ir.Value, whole: list[Length]) -> tuple[ir.Value, int | None]:
    """``part`` as a run of the axes of ``whole``, and where that starts if it does not end with the last."""
    own = rewrite.lengths(part)
    offset = len(whole) - len(own)
    first, last = _ends(own)
    suffix, run = whole[offset + first :], whole[offset + first : offset + last + 1]
    part = without_axes(rewrite, part, range(first))
    if own[first:] == suffix:
        return part, None
    if may_be_copied(rewrite, part, suffix) or len(run) == len(suffix) or part.dtype == ir.DataType.BOOL:
        return spread(rewrite, part, suffix), None
    behind = suffix[len(run) :]
    part = spread(rewrite, part, [*run, *[1] * len(behind)])
    if _can_multiply(part, suffix, behind):
        return _multiplied(rewrite, part, suffix, behind), None
    return without_axes(rewrite, part, range(len(run), len(suffix))), offset + first


def _can_multiply(part: ir.Value, suffix: list[Length], behind: list[Length]) -> bool:
    """Whether ``part`` can be copied along its last axes by a product, in which one length may be open."""
    unknown = sum(not isinstance(length, int) for length in suffix)
    return part.dtype in _FLOATS and elements_of(behind) is not None and unknown <= 1


def _multiplied(rewrite: Rewrite, part: ir.Value, suffix: list[Length], behind: list[Length]) -> ir.Value:
    """``part`` copied along its last axes, which have length 1, to ``behind``: times a row of ones, exact."""
    ones = row_of_ones(rewrite, behind, part)
    shape = rewrite.shape(suffix)
    if len(behind) == 1:
        return rewrite.add("MatMul", [part, ones], shape=shape)
    column = reshaped(rewrite, part, [-1, 1])
    product = rewrite.add("MatMul", [column, ones])
    target = [length if isinstance(length, int) else -1 for length in suffix]
    result = reshaped(rewrite, product, target)
    result.shape = shape
    return result


def _ends(lengths: list[Length]) -> tuple[int, int]:
    """The first and the last axis whose length is not 1."""
    long = [axis for axis, length in enumerate(lengths) if length != 1]
    return long[0], long[-1]


def numpy_to_one_sided(rewrite: Rewrite) -> None:
    """As :func:`binary`; nothing changes where both operands have one shape."""
    a, b = rewrite.required(0), rewrite.required(1)
    if rewrite.lengths(a) != rewrite.lengths(b):
        rewrite.replace(binary(rewrite, rewrite.node.op_type, a, b))


for name in OPERATORS:
    adapts(name, 7, 6)(numpy_to_one_sided)


def one_sided_to_numpy(rewrite: Rewrite) -> None:
    """The second operand gets the axes that stand behind the run of the first one's axes that it has.

    Exact. Raises :class:`CannotAdapt` where ``axis`` is given and numbers of axes are not known.
    """
    spreads, axis = rewrite.integer("broadcast", 0), rewrite.integer("axis", 0)
    counts = bool(spreads) and rewrite.has("axis")
    rewrite.drop_attribute("broadcast")
    rewrite.drop_attribute("axis")
    if not counts:
        return
    first, second = rewrite.required(0), rewrite.required(1)
    own = rewrite.lengths(second)
    behind = rewrite.rank(first) - axis - len(own)
    if all(length == 1 for length in own) and len(own) <= rewrite.rank(first):
        return  # one element, which meets every axis
    if behind < 0:
        raise CannotAdapt(
            f"{second.name} has {len(own)} axes, more than {first.name} has from axis {axis} on"
        )
    if behind:
        rewrite.set_input(1, with_axes_behind(rewrite, second, behind))


def with_axes_behind(rewrite: Rewrite, value: ir.Value, count: int) -> ir.Value:
    """``value`` with ``count`` axes of length 1 behind its own, below opset 13."""
    array = rewrite.constant_unless_weight(value)
    if array is not None:
        return rewrite.initializer(array.reshape([*array.shape, *[1] * count]), "reshaped")
    rank = rewrite.rank(value)
    return rewrite.add("Unsqueeze", [value], {"axes": list(range(rank, rank + count))})


for name in OPERATORS:
    adapts(name, 6, 7)(one_sided_to_numpy)
