"""The option of the commands that print for a person or for a program."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.errors import UsageError

FormatOption = Annotated[str, typer.Option("--format", metavar="text|json", help="How to print.")]


def wants_json(output: str) -> bool:
    """Whether ``output``, the option's value, asks for JSON. Raises UsageError where it is no format."""
    if output not in ("text", "json"):
        raise UsageError(f"--format: {output!r} is neither text nor json.")
    return output == "json"
