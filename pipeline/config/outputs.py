"""Which of several outputs of a model a pipeline file asks for."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator
from pydantic import WithJsonSchema as WithSchema


def parse_output(value: object) -> int | str | None:
    """Read the name of an output, or its position from 0. Raises ValueError that says what is wrong."""
    if value is None or (isinstance(value, str) and value):
        return value
    if type(value) is int and value >= 0:
        return value
    raise ValueError("an output is given by its name, or by its position from 0")


Output = Annotated[
    int | str | None,
    BeforeValidator(parse_output),
    WithSchema(
        {
            "type": ["integer", "string", "null"],
            "minimum": 0,
            "description": "which of several outputs holds the scores: its name, or its position from 0",
        }
    ),
]
