"""Numbers, lists and shapes as people read them; the same in every locale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def size(count: int) -> str:
    """Bytes in decimal units, as download pages count them: ``33.2 MB``."""
    for unit, bytes_each in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= bytes_each:
            return f"{_three_digits(count / bytes_each)} {unit}"
    return f"{count} B"


def size_range(counts: Sequence[int]) -> str:
    """The smallest and the largest of some sizes, once where they read the same."""
    least, most = size(min(counts)), size(max(counts))
    if least == most:
        return least
    if least.split()[1] == most.split()[1]:
        least = least.split()[0]
    return f"{least}–{most}"


def amount(count: float) -> str:
    """A count in short: ``8.31 M``, ``1.36 G``."""
    for unit, each in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= each:
            return f"{_three_digits(count / each)} {unit}"
    return f"{count:g}"


def error(value: float | None) -> str:
    """A relative or absolute error with two digits: ``1.4e-6``; ``0`` is exact, a dash is unknown."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def bound(value: float) -> str:
    """A tolerance, which was chosen and not measured: ``1e-4``."""
    return error(value).replace(".0e", "e")


def percent(share: float) -> str:
    """A share of 1 in percent: ``71.3%``; small ones keep two digits that say something."""
    return f"{100 * share:.1f}%" if share >= 0.01 or share == 0 else f"{100 * share:.2g}%"


def agreement(share: float | None) -> str:
    """The share of pictures whose classes are the same: ``all``, ``none`` or in percent."""
    if share is None:
        return "–"
    return {0.0: "none", 1.0: "all"}.get(share) or percent(share)


def spelled(opsets: Sequence[int]) -> str:
    """Opsets in short, in the order given: ``3 to 5, 9``."""
    runs: list[list[int]] = []
    for opset in opsets:
        if runs and runs[-1][-1] == opset - 1:
            runs[-1].append(opset)
        else:
            runs.append([opset])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def listed(words: Iterable[object]) -> str:
    """Write a list: ``noise, pictures and labels``."""
    *most, last = [str(word) for word in words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def shape(dimensions: Iterable[object]) -> str:
    """Write a shape: ``batch×3×224×224``."""
    return "×".join(str(dimension) for dimension in dimensions)


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort names by as people do: ``vgg9`` before ``vgg16``, whatever case and separators."""
    parts: list[str] = re.findall(r"\d+|[^\d\W_]+", text.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
