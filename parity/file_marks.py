"""What a file may hold, found without loading it.

Every runtime imports this, in whatever interpreter it runs: it needs the standard library of Python 3.9.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path

QUANTIZED_OPERATORS = (b"uantizeLinear", b"QLinear", b"Integer")
"""Each operator of ``parity.quantized`` has one of them in its name."""

NAMED_TYPE = b'\n\x02to"'
"""Where Cast names the type that it makes, as it did below opset 6: the attribute ``to``, and a string.

These are field 1 and field 4 of AttributeProto, which are written in their order.
"""


def may_hold(model: Path, marks: Iterable[bytes]) -> bool:
    """Whether one of ``marks`` is among the bytes of a file; those of weights rarely are one.

    To be asked before a model is loaded for its nodes alone: the weights of a large one would come along.
    """
    with model.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(mark) >= 0 for mark in marks)
