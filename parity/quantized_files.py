"""Which files may hold a quantised graph, found without loading them.

Every runtime imports this, in whatever interpreter it runs: it needs the standard library of Python 3.9.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path

PARTS = (b"uantizeLinear", b"QLinear", b"Integer")
"""Each operator of ``parity.quantized`` has one of them in its name."""


def may_be_quantized(model: Path, parts: Iterable[bytes] = PARTS) -> bool:
    """Whether the bytes of a file name an operator with one of ``parts`` in its name; weights rarely do.

    To be asked before a model is loaded for its nodes alone: the weights of a large one would come along.
    """
    with model.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(part) >= 0 for part in parts)
