"""Numbers and lists in words, the same in every locale."""

from __future__ import annotations

from collections.abc import Iterable

_SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def size(count: int) -> str:
    """Write a number of bytes: ``33.4 MB``, of 10**6 bytes each."""
    for unit, name in _SIZES:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def listed(words: Iterable[object]) -> str:
    """Write a list: ``3, 7 and 12``."""
    *most, last = [str(word) for word in words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def numbers(values: Iterable[int]) -> str:
    """Write whole numbers in order: ``3, 7 and 12``, or ``3 to 12`` where none is left out."""
    known = sorted(set(values))
    whole = len(known) > 2 and known[-1] - known[0] == len(known) - 1
    return f"{known[0]} to {known[-1]}" if whole else listed(known)


def shape(dimensions: Iterable[object]) -> str:
    """Write a shape: ``batch×3×224×224``."""
    return "×".join(str(dimension) for dimension in dimensions)
