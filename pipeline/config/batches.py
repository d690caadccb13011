"""The key ``batches`` of a pipeline file: what the first axis of published files is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic import WithJsonSchema as WithSchema

OPEN: Literal["open"] = "open"
"""Any number of pictures at a time."""
LARGEST = 64


def parse_batches(value: object) -> tuple[int | str, ...]:
    """Read ``open``, a number of pictures or a list of these: ``open`` first, then the numbers in order.

    Raises ValueError that says what is wrong.
    """
    entries: list[object] = list(value) if isinstance(value, list | tuple) else [value]
    numbers = {entry for entry in entries if isinstance(entry, int)}
    if not entries:
        raise ValueError("batches are open, a number of pictures, or a list such as [open, 1]; this is empty")
    for entry in entries:
        if entry != OPEN and (type(entry) is not int or not 1 <= entry <= LARGEST):
            raise ValueError(
                f"{entry!r} is no batch: give open, for any number of pictures, or one from 1 to {LARGEST}"
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
