"""Which graphs are quantised."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path

from parity.integer_arithmetic import OPERATORS as INTEGER_OPERATORS

OPERATORS = frozenset({"DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear", *INTEGER_OPERATORS})
PARTS = (b"uantizeLinear", b"QLinear", b"Integer")
"""Each of these names has one of them in it."""


def is_quantized(operators: Iterable[str]) -> bool:
    """Whether a graph of nodes of these ``operators`` is quantised."""
    return not OPERATORS.isdisjoint(operators)


def may_be_quantized(model: Path, parts: Iterable[bytes] = PARTS) -> bool:
    """Whether the bytes of a file name an operator with one of ``parts`` in its name; weights rarely do.

    To be asked before a model is loaded for its nodes alone: the weights of a large one would come along.
    """
    with model.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(part) >= 0 for part in parts)
