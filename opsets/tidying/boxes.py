"""Assignments to a part of a tensor, which exporters write as scattering with an index for every element.

``x[:, 1:, 2:] = y`` becomes a ScatterND whose indices are a grid, or a ScatterElements whose indices are
copies of one row. Said with Slice and Concat no index is left, and the batch may have any length. Exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from opsets.facts.length_rules import row_of
from opsets.facts.lengths import Length
from opsets.facts.values import Evaluator
from opsets.walk import Walk, stem_of

Box = list[tuple[int, int] | None]
"""For each axis the first element and the one behind the last; None for all of them."""


def write_box(walk: Walk, evaluator: Evaluator, node: ir.Node) -> None:
    """Turn a ScatterND or ScatterElements that fills a box into the Concat of the parts around it."""
    reduction = node.attributes.get("reduction")
    data, indices, updates = node.inputs[:3]
    if data is None or indices is None or updates is None or data.shape is None or indices.shape is None:
        return
    if reduction is not None and reduction.as_string() != "none":
        return
    boxes = _Boxes(walk, evaluator, data, indices)
    box = boxes.of_grid() if node.op_type == "ScatterND" else boxes.of_row(node)
    if box is None:
        return
    node.attributes.clear()
    axis = next((axis for axis, part in enumerate(box) if part is not None), None)
    if axis is None:
        node.op_type, parts = "Identity", [updates]
    else:
        node.op_type, parts = "Concat", boxes.parts(node, data, updates, box, axis)
        node.attributes["axis"] = ir.AttrInt64("axis", axis)
    node.resize_inputs(len(parts))
    for index, part in enumerate(parts):
        node.replace_input_with(index, part)


class _Boxes:
    def __init__(self, walk: Walk, evaluator: Evaluator, data: ir.Value, indices: ir.Value) -> None:
        self._walk, self._evaluator, self._indices = walk, evaluator, indices
        self._lengths = walk.inference.lengths(data)

    def of_grid(self) -> Box | None:
        """The box of a ScatterND: its indices are a Concat of one grid for each axis."""
        joined = self._indices.producer()
        lengths = self._walk.inference.lengths(self._indices)
        count = len(lengths) - 1
        if joined is None or joined.op_type != "Concat" or len(joined.inputs) != count:
            return None
        if count > len(self._lengths) or lengths[-1] != count:
            return None
        box: Box = []
        for axis, column in enumerate(joined.inputs):
            entries = self._along(column, axis, count)
            if entries is None or len(entries) == 0:
                return None
            row = None if isinstance(entries[0], int) else row_of(np.array(entries[:1], dtype=object))
            if row is not None and len(entries) == 1 and entries[0] == row[0]:
                if not row[1] == lengths[axis] == self._lengths[axis]:
                    return None
                box.append(None)
                continue
            part = self._range(entries, axis, lengths[axis])
            if part is None:
                return None
            box.append(None if part == (0, self._lengths[axis]) else part)
        return box + [None] * (len(self._lengths) - count)

    def of_row(self, node: ir.Node) -> Box | None:
        """The box of a ScatterElements: its indices are a row along its axis, copied along the others."""
        attribute = node.attributes.get("axis")
        axis = (0 if attribute is None else attribute.as_int()) % len(self._lengths)
        lengths = self._walk.inference.lengths(self._indices)
        others = [own == mine for own, mine in zip(lengths, self._lengths, strict=True)]
        copies = self._indices.producer()
        if (
            copies is None
            or copies.op_type not in ("Expand", "Tile")
            or not all(same for other, same in enumerate(others) if other != axis)
        ):
            return None
        entries = self._row(copies.inputs[0], axis, len(lengths))
        part = None if entries is None else self._range(entries, axis, lengths[axis])
        if part is None:
            return None
        box: Box = [None] * len(lengths)
        box[axis] = None if part == (0, self._lengths[axis]) else part
        return box

    def _along(self, column: ir.Value | None, axis: int, count: int) -> list[Length] | None:
        """What a grid, with an axis of length 1 behind, counts along ``axis``, if that is all it does."""
        node = column.producer() if column is not None else None
        if column is None or node is None or node.op_type != "Unsqueeze" or column.shape is None:
            return None
        source = node.inputs[0]
        if len(column.shape) != count + 1 or column.shape[-1] != 1 or source is None:
            return None
        copies = source.producer()
        if copies is not None and copies.op_type == "Expand":
            source = copies.inputs[0]
        return self._row(source, axis, count)

    def _row(self, source: ir.Value | None, axis: int, count: int) -> list[Length] | None:
        entries = None if source is None else self._evaluator.entries(source)
        if entries is None:
            return None
        shape = [1] * (count - entries.ndim) + list(entries.shape)
        if any(length != 1 for other, length in enumerate(shape) if other != axis):
            return None
        return list(entries.reshape(-1))

    def _range(self, entries: Sequence[Length], axis: int, copied: Length) -> tuple[int, int] | None:
        """The first of ``entries`` and one behind the last, if they count by ones inside a fixed axis."""
        length = self._lengths[axis]
        if (
            not isinstance(length, int)
            or copied != len(entries)
            or not all(isinstance(one, int) for one in entries)
        ):
            return None
        first = int(entries[0])
        if list(entries) != list(range(first, first + len(entries))) or not 0 <= first <= length - len(
            entries
        ):
            return None
        return first, first + len(entries)

    def parts(self, node: ir.Node, data: ir.Value, updates: ir.Value, box: Box, axis: int) -> list[ir.Value]:
        """What stands before, in and behind the box along ``axis``."""
        part = box[axis]
        assert part is not None
        first, end = part
        deeper = next((other for other, part in enumerate(box) if part is not None and other > axis), None)
        if deeper is not None:
            inside = self._slice(node, data, axis, first, end)
            updates = self._walk.add_before(
                node, "Concat", self.parts(node, inside, updates, box, deeper), {"axis": deeper}
            )
        parts = [updates]
        if first > 0:
            parts.insert(0, self._slice(node, data, axis, 0, first))
        if end < self._lengths[axis]:
            parts.append(self._slice(node, data, axis, end, int(self._lengths[axis])))
        return parts

    def _slice(self, node: ir.Node, data: ir.Value, axis: int, first: int, end: int) -> ir.Value:
        bounds = [
            self._walk.initializer(np.array([bound], dtype=np.int64), f"{stem_of(node)}_{name}")
            for name, bound in (("start", first), ("end", end), ("axis", axis))
        ]
        return self._walk.add_before(node, "Slice", [data, *bounds], {})
