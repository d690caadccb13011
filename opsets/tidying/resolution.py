"""Operators that take lengths: their shapes, bounds and indices as constants, or said as simply as can be."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import sympy  # type: ignore[import-untyped]

from opsets.facts.inference import ShapeInference
from opsets.facts.length_rules import Entries, row_of
from opsets.facts.lengths import Length, reshaped
from opsets.facts.values import Evaluator
from opsets.tidying.boxes import write_box
from opsets.walk import Walk, stem_of

_END = np.iinfo(np.int64).max


def resolve(walk: Walk, evaluator: Evaluator, node: ir.Node) -> None:
    """Turn an input that lengths decide into a constant, where the operator has a way to say it."""
    source = node.inputs[0] if node.inputs else None
    if source is None or source.shape is None:
        return
    resolver = _Resolver(walk, evaluator, node, source)
    if node.op_type == "Reshape" and len(node.inputs) > 1:
        resolver.reshape()
    elif node.op_type == "Expand":
        resolver.expand()
    elif node.op_type == "Slice" and len(node.inputs) > 2:
        resolver.slice()
    elif node.op_type == "Gather":
        resolver.gather()
    elif node.op_type in ("ScatterND", "ScatterElements"):
        write_box(walk, evaluator, node)


_LENGTHS_AT = {"ConstantOfShape": 0, "Expand": 1, "Range": 1, "Reshape": 1, "Resize": 3, "Tile": 1}
"""The input that holds lengths, or for a Range what one follows from."""


def set_expanded(inference: ShapeInference, evaluator: Evaluator, node: ir.Node) -> None:
    """Set the shape that an operator makes of lengths, which onnx's inference cannot follow."""
    index = _LENGTHS_AT.get(node.op_type)
    if index is None or index >= len(node.inputs) or "axes" in node.attributes:
        return
    value = node.inputs[index]
    entries = evaluator.entries(value) if value is not None else None
    source = node.inputs[0] if node.inputs else None
    if entries is None or source is None or source.shape is None:
        return
    lengths = list(entries.reshape(-1))
    if node.op_type == "Range" and not _counts_rows(evaluator, node):
        return
    if node.op_type == "Reshape":
        if _zero_is_a_length(node) and 0 in lengths:
            return
        lengths = reshaped(inference.lengths(source), lengths)
    if node.op_type == "Expand":
        lengths = _broadcast(inference.lengths(source), lengths)
    if node.op_type == "Tile":
        if len(node.inputs) > 2:  # its first form repeats one axis
            return
        lengths = [own * count for own, count in zip(inference.lengths(source), lengths, strict=True)]
    node.outputs[0].shape = inference.shape(lengths)


def _zero_is_a_length(node: ir.Node) -> bool:
    """Whether a Reshape makes an axis of length 0 of a 0, and does not copy a length of its input."""
    attribute = node.attributes.get("allowzero")
    return attribute is not None and bool(attribute.as_int())


def _counts_rows(evaluator: Evaluator, node: ir.Node) -> bool:
    """Whether a Range goes from 0 by ones."""
    first, _, step = (evaluator.entries(value) if value is not None else None for value in node.inputs)
    return first is not None and step is not None and (first.item(), step.item()) == (0, 1)


def _broadcast(own: list[Length], wanted: list[Length]) -> list[Length]:
    width = max(len(own), len(wanted))
    own, wanted = [1] * (width - len(own)) + own, [1] * (width - len(wanted)) + wanted
    # A fixed length but 1 stays: an open one that meets it can be nothing but the same or 1.
    return [
        mine if theirs == 1 or (isinstance(mine, int) and mine > 1) else theirs
        for mine, theirs in zip(own, wanted, strict=True)
    ]


class _Resolver:
    """One node whose first input, of known rank, is ``source``."""

    def __init__(self, walk: Walk, evaluator: Evaluator, node: ir.Node, source: ir.Value) -> None:
        self._walk = walk
        self._evaluator = evaluator
        self._node = node
        self._lengths = walk.inference.lengths(source)
        self._source = source

    def _open(self, index: int) -> Entries | None:
        """The entries of an input that is no constant yet."""
        value = self._node.inputs[index]
        if value is None or value.const_value is not None:
            return None
        return self._evaluator.entries(value)

    def _constant(self, entries: list[int], purpose: str) -> ir.Value:
        name = f"{stem_of(self._node)}_{purpose}"
        return self._walk.initializer(np.array(entries, dtype=np.int64), name)

    def reshape(self) -> None:
        """A length that the input has at the same place becomes 0, another one -1."""
        value = self._node.inputs[1]
        entries = self._evaluator.entries(value) if value is not None else None
        if entries is None:
            return
        self._forget_allowzero(entries)
        if value is None or value.const_value is not None or _zero_is_a_length(self._node):
            return
        target: list[int] = []
        solved = reshaped(self._lengths, list(entries))
        for index, entry in enumerate(entries):
            if isinstance(entry, int):  # what is left is written down where it is known: two may not be left
                known = entry == -1 and isinstance(solved[index], int)
                target.append(int(solved[index]) if known else entry)
            else:
                same = index < len(self._lengths) and entry == self._lengths[index]
                target.append(0 if same else -1)
        if target.count(-1) <= 1:  # of two the exporter has written one down at least
            self._node.replace_input_with(1, self._constant(target, "shape"))

    def _forget_allowzero(self, entries: Entries) -> None:
        """Without a 0 the flag means nothing; a length that may be 0 would leave no element to compute."""
        if not _zero_is_a_length(self._node) or 0 in entries:
            return
        del self._node.attributes["allowzero"]
        if not all(sympy.sympify(entry).is_nonzero for entry in entries):
            self._walk.bounds["Reshape with allowzero: exact unless a length that it computes is 0"] = None

    def expand(self) -> None:
        """A length that the input has already becomes 1; others are asked of a tensor that has them."""
        entries = self._open(1)
        if entries is None:
            return
        target = list(entries)
        for back in range(1, min(len(target), len(self._lengths)) + 1):
            if target[-back] == self._lengths[-back]:
                target[-back] = 1
        if all(isinstance(entry, int) for entry in target):
            self._node.replace_input_with(1, self._constant(target, "shape"))
        elif self._node.inputs[1] is not None and not self._is_plain(self._node.inputs[1]):
            self._ask_for(target)

    def _is_plain(self, value: ir.Value) -> bool:
        """Whether ``value`` is a Concat of constants and of parts of shapes already."""
        maker = value.producer()
        return (
            maker is not None
            and maker.op_type == "Concat"
            and all(
                entry is None or entry.const_value is not None or _asks_for_length(entry)
                for entry in maker.inputs
            )
        )

    def _ask_for(self, target: list[Length]) -> None:
        """Rebuild the shape: Shape, Gather and Concat can be said at every opset that has Expand."""
        parts: list[ir.Value] = []
        for entry in target:
            if isinstance(entry, int):
                parts.append(self._constant([entry], "length"))
                continue
            found = self._walk.carrier(entry, self._node)
            if found is None:
                return
            value, axis = found
            whole = self._add("Shape", [value])
            parts.append(self._add("Gather", [whole, self._constant([axis], "axis")], {"axis": 0}))
        self._node.replace_input_with(1, self._add("Concat", parts, {"axis": 0}))

    def _add(
        self, operator: str, inputs: list[ir.Value], attributes: dict[str, int] | None = None
    ) -> ir.Value:
        return self._walk.add_before(self._node, operator, inputs, attributes or {})

    def slice(self) -> None:
        """An end that is the axis's own length is as far as it goes."""
        if all(value is not None and value.const_value is not None for value in self._node.inputs[1:3]):
            return
        starts, ends = (self._evaluator.entries(value) if value else None for value in self._node.inputs[1:3])
        if starts is None or ends is None or not all(isinstance(entry, int) for entry in starts):
            return
        axes = self._node.inputs[3] if len(self._node.inputs) > 3 else None
        given = None if axes is None else self._evaluator.entries(axes)
        over = list(range(len(starts))) if given is None else [int(axis) for axis in given]
        target = [
            _END if entry == self._lengths[axis] and not isinstance(entry, int) else entry
            for entry, axis in zip(ends, over, strict=True)
        ]
        if all(isinstance(entry, int) for entry in target):
            self._node.replace_input_with(1, self._constant([int(entry) for entry in starts], "starts"))
            self._node.replace_input_with(2, self._constant(target, "ends"))

    def gather(self) -> None:
        """Elements picked out of each row of a flattened tensor are a Gather along the rows.

        An index ``row * width + c``, where the tensor has ``rows * width`` elements, is what a strided
        view becomes; said with a Range over the rows, which old opsets do not have.
        """
        axis = self._node.attributes.get("axis")
        index = self._node.inputs[1]
        if len(self._lengths) != 1 or (axis is not None and axis.as_int()) or index is None:
            return
        entries = self._open(1)
        found = None if entries is None else row_of(entries)
        if entries is None or found is None or index.shape is None:
            return
        row, rows = found
        if self._walk.inference.lengths(index) != [rows, *entries.shape[1:]]:
            return
        width = sympy.cancel(self._lengths[0] / rows)
        picked = [sympy.expand(entry - row * width) for entry in entries.reshape(-1)]
        if not all(entry.is_Integer and 0 <= entry < width for entry in picked):
            return
        table = self._add("Reshape", [self._source, self._constant([-1, int(width)], "rows")])
        constant = np.array([int(entry) for entry in picked], dtype=np.int64).reshape(entries.shape[1:])
        indices = self._walk.initializer(constant, f"{stem_of(self._node)}_columns")
        self._node.replace_input_with(0, table)
        self._node.replace_input_with(1, indices)
        self._node.attributes["axis"] = ir.AttrInt64("axis", 1)


def _asks_for_length(value: ir.Value) -> bool:
    gather = value.producer()
    if gather is None or gather.op_type != "Gather" or gather.inputs[0] is None:
        return False
    maker = gather.inputs[0].producer()
    return maker is not None and maker.op_type == "Shape"
