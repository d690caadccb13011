"""Lists in words, and shapes; figures are :mod:`publishing.pages.formatting`'s."""

from __future__ import annotations

from collections.abc import Iterable


def listed(words: Iterable[object]) -> str:
    """Write a list: ``noise, pictures and labels``."""
    *most, last = [str(word) for word in words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def shape(dimensions: Iterable[object]) -> str:
    """Write a shape: ``batch×3×224×224``."""
    return "×".join(str(dimension) for dimension in dimensions)
