"""Which graphs are quantised."""

from __future__ import annotations

from collections.abc import Iterable

from parity.integer_arithmetic import OPERATORS as INTEGER_OPERATORS

OPERATORS = frozenset({"DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear", *INTEGER_OPERATORS})


def is_quantized(operators: Iterable[str]) -> bool:
    """Whether a graph of nodes of these ``operators`` is quantised."""
    return not OPERATORS.isdisjoint(operators)
