"""The values of small tensors of integers that shapes decide, such as ``[N, 196, 768]``.

Exporters write them as chains of Shape, Gather, Concat and arithmetic. They are evaluated here on
arrays of objects whose elements are ints, bools or sympy expressions of lengths.
"""

from __future__ import annotations

from itertools import islice
from math import prod
from typing import Any

import numpy as np
import onnx_ir as ir
import sympy  # type: ignore[import-untyped]

from opsets.facts.inference import ShapeInference
from opsets.facts.length_rules import (
    EXACT,
    KINDS,
    LARGEST,
    REAL,
    ROW_BY_ROW,
    RULES,
    Entries,
    Unknown,
    array_of,
    has_rows,
    part_of,
    plain,
)

_DEEPEST = 400
"""Nodes that a chain may be long."""

_LONGEST = 100
"""Terms of an expression. One that is taken twice by each node of a chain doubles with each of them."""

_HIGHEST_POWER = 16
"""Of an expression written as a sum, which comparing two of them may ask for."""

_LARGEST_NUMBER = 1 << 63
"""What no tensor of integers holds."""


class Evaluator:
    """Evaluates tensors of lengths, each once; a new one is needed once the graph has changed."""

    def __init__(self, inference: ShapeInference) -> None:
        self._inference = inference
        self._known: dict[ir.Value, Entries | None] = {}

    def entries(self, value: ir.Value, depth: int = 0) -> Entries | None:
        """The elements of ``value``, or None where they do not follow from lengths and constants."""
        if value not in self._known:
            try:
                self._known[value] = self._evaluate(value, depth)
            except (Unknown, IndexError, ValueError, TypeError, ZeroDivisionError):
                self._known[value] = None
        return self._known[value]

    def _evaluate(self, value: ir.Value, depth: int) -> Entries:
        constant = value.const_value
        if constant is not None:
            if constant.size > LARGEST or constant.dtype not in (*KINDS, *REAL):
                raise Unknown
            array = constant.numpy()
            if constant.dtype in REAL:
                if not (np.abs(array) < EXACT).all() or (array % 1).any():
                    raise Unknown
                array = array.astype(np.int64)
            return array.astype(object)
        node = value.producer()
        if node is None or node.op_type not in RULES or depth > _DEEPEST:
            raise Unknown
        if node.op_type in ("Shape", "Size"):
            return self._of_shape(node)
        inputs = [None if source is None else self.entries(source, depth + 1) for source in node.inputs]
        if any(entries is None for entries, source in zip(inputs, node.inputs, strict=True) if source):
            raise Unknown
        rule = part_of(value) if node.op_type == "Split" else RULES[node.op_type]
        result = plain(rule(node, inputs))
        if result.size > LARGEST or not all(map(_is_short, result.reshape(-1))):
            raise Unknown
        given = [entries for entries in inputs if entries is not None]
        if any(map(has_rows, given)) and not (node.op_type in ROW_BY_ROW and has_rows(result)):
            raise Unknown  # one entry stands for all rows: none can be picked, and their number is kept
        return result

    def _of_shape(self, node: ir.Node) -> Entries:
        value = node.inputs[0]
        if value is None or value.shape is None:
            raise Unknown
        lengths = self._inference.lengths(value)
        if node.op_type == "Size":
            return array_of(np.prod(array_of(lengths)))
        start = node.attributes["start"].as_int() if "start" in node.attributes else 0
        end = node.attributes["end"].as_int() if "end" in node.attributes else None
        return array_of(lengths[start:end])


def _is_short(entry: Any) -> bool:
    """Whether an entry is a number or an expression that can be written down."""
    if isinstance(entry, int):
        return abs(entry) < _LARGEST_NUMBER
    terms = list(islice(sympy.preorder_traversal(entry), _LONGEST + 1))
    numbers = (term for term in terms if term.is_Integer)
    powers = (int(term.exp) for term in terms if term.is_Pow and term.exp.is_Integer and term.exp > 1)
    if len(terms) > _LONGEST or any(abs(number) >= _LARGEST_NUMBER for number in numbers):
        return False
    return prod(powers) <= _HIGHEST_POWER
