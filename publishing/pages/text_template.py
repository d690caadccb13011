"""Templates of texts that are not HTML: Python and Markdown, each with its own way to quote."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(name: str, values: Mapping[str, Any]) -> str:
    """Fill the template ``name`` of ``publishing/pages/templates``.

    Nothing is escaped: the caller hands in what the text's own language can hold. A value that the
    template names and the caller forgot is an error of jinja2's.
    """
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    """The templates, each compiled once."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("publishing.pages"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - what HTML needs would be wrong here
    )
