"""Shapes of any number of axes for property tests, and lists in their ONNX text."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st


class Shape(NamedTuple):
    """A shape as ONNX text, such as ``[N,1,3]``, or nothing for a scalar; and lengths to run it with."""

    text: str
    lengths: tuple[int, ...]


@st.composite
def shapes(draw: st.DrawFn, least: int = 0, most: int = 3) -> Shape:
    """Of ``least`` to ``most`` axes; length 1 is among the lengths, and the first one may be open."""
    lengths = tuple(draw(st.lists(st.integers(1, 3), min_size=least, max_size=most)))
    names = [str(length) for length in lengths]
    is_open: bool = draw(st.booleans())
    if names and is_open:
        names[0] = "N"
    return Shape(f"[{','.join(names)}]" if names else "", lengths)


def in_brackets(entries: list[str]) -> str:
    """Attributes or constants as ONNX text wants them; nothing where there are none."""
    return f"<{', '.join(entries)}>" if entries else ""
