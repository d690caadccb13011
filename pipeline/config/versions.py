"""Which files of a model a pipeline file asks for: their opsets, precisions and batches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator
from pydantic import WithJsonSchema as WithSchema

FIRST_OPSET, LAST_OPSET = 3, 21
DEFAULT_OPSETS = tuple(range(3, 13))
"""What a file without a word of opsets asks for: what compilers and runtimes of devices read."""


def parse_opsets(value: object) -> tuple[int, ...]:
    """Read ``12``, ``3-12``, ``'7,9-12'`` or a list of these into sorted opsets without repeats.

    Raises ValueError that says what is wrong.
    """
    if isinstance(value, list | tuple):
        return tuple(sorted({opset for item in value for opset in parse_opsets(item)}))
    opsets: set[int] = set()
    for part in str(value).split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match or isinstance(value, bool):
            raise ValueError(f"{value!r} is not an opset, a range such as 3-12, or a list of them")
        first, last = int(match[1]), int(match[2] or match[1])
        if not FIRST_OPSET <= first <= last <= LAST_OPSET:
            raise ValueError(
                f"opsets go from {FIRST_OPSET} to {LAST_OPSET}, and {part.strip()!r} does not fit"
            )
        opsets.update(range(first, last + 1))
    return tuple(sorted(opsets))


Opsets = Annotated[
    tuple[int, ...],
    BeforeValidator(parse_opsets),
    WithSchema(
        {"type": ["integer", "string", "array"], "description": "12, 3-12, or a list of these; from 3 to 21"}
    ),
]

Precision = Literal["fp32", "int8", "int8-qdq", "fp16"]
LOWEST_OPSETS: Mapping[str, int] = {"int8": 10, "int8-qdq": 10, "fp16": 7}
"""Where the operators of a precision begin: QLinearConv, QLinearMatMul, QuantizeLinear and DequantizeLinear
are of opset 10. Float16 could be said before 7, where no runtime that we know computes it."""


def parse_precisions(value: object) -> object:
    """Read ``int8``, a list of precisions, or a mapping from each to its opsets into the latter.

    Raises ValueError that says what is wrong.
    """
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        value = dict.fromkeys(value)
    if not isinstance(value, dict) or not value:
        raise ValueError("precisions are a list such as [fp32, int8], or {fp32: 3-12, int8: 10-12}")
    known = get_args(Precision)
    for precision in value:
        if precision not in known:
            raise ValueError(f"unknown precision {precision!r}; there are {', '.join(known)}")
    return value


Precisions = Annotated[
    dict[Precision, Opsets | None],
    BeforeValidator(parse_precisions),
    WithSchema(
        {
            "type": ["string", "array", "object"],
            "description": "fp32, int8, int8-qdq, fp16: a list of these, or each with its opsets",
        }
    ),
]

OPEN: Literal["open"] = "open"
"""Any number of pictures at a time."""
LARGEST_BATCH = 64


def parse_batches(value: object) -> tuple[int | str, ...]:
    """Read ``open``, a number of pictures or a list of these: ``open`` first, then the numbers in order.

    Raises ValueError that says what is wrong.
    """
    entries: list[object] = list(value) if isinstance(value, list | tuple) else [value]
    numbers = {entry for entry in entries if isinstance(entry, int)}
    if not entries:
        raise ValueError("batches are open, a number of pictures, or a list such as [open, 1]; this is empty")
    for entry in entries:
        if entry != OPEN and (type(entry) is not int or not 1 <= entry <= LARGEST_BATCH):
            raise ValueError(
                f"{entry!r} is no batch: give open, for any number of pictures, or 1 to {LARGEST_BATCH}"
            )
    return (OPEN, *sorted(numbers)) if OPEN in entries else tuple(sorted(numbers))


Batches = Annotated[
    tuple[Literal["open"] | int, ...],
    BeforeValidator(parse_batches),
    WithSchema(
        {
            "type": ["integer", "string", "array"],
            "description": "the first axis of published files: open, a number, or a list of these",
        }
    ),
]
