"""Which steps around a network a pipeline file asks to have inside of its files."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import WithJsonSchema as WithSchema

LARGEST_PIXEL = 255
"""Of the pictures that a file takes where the pipeline file asks for no other: what a camera gives."""


class Embed(BaseModel):
    """The steps; a file has none where nothing is said."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    normalise: (
        Annotated[Literal[1, 255], Field(description="the largest value of the pixels that the file takes")]
        | None
    ) = None
    softmax: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is embedded."""
        return self.normalise is not None or self.softmax


def parse_embed(value: object) -> object:
    """Read ``[normalise, softmax]`` or ``{normalise: 1, softmax: true}``; what is only named has its default.

    Raises ValueError that says what is wrong.
    """
    if isinstance(value, Embed):
        return value
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple):
        value = {name: setting for step in value for name, setting in _step(step).items()}
    if not isinstance(value, dict):
        raise ValueError("steps are a list such as [normalise, softmax], or {normalise: 1, softmax: true}")
    for name in value:
        if name not in Embed.model_fields:
            near = get_close_matches(str(name), Embed.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(Embed.model_fields)}"
            raise ValueError(f"unknown step {name!r}; {hint}")
    steps: dict[str, Any] = dict(value)
    largest = steps.get("normalise")
    if isinstance(largest, bool):
        steps["normalise"] = LARGEST_PIXEL if largest else None
    elif largest not in (None, 1, 255):
        raise ValueError(
            f"normalise: {largest!r} is not the largest value of pixels; give 255 for levels of 0 to 255, or "
            "1 for values of 0 to 1"
        )
    return steps


def _step(step: object) -> dict[str, object]:
    return step if isinstance(step, dict) else {str(step): True}


Steps = Annotated[
    Embed,
    BeforeValidator(parse_embed),
    WithSchema(
        {
            "type": ["string", "array", "object"],
            "description": "normalise, softmax: a list of these, or {normalise: 255, softmax: true}, where "
            "255 or 1 is the largest value of the pixels that the file takes",
        }
    ),
]
