"""One tensor beside another: how far they are apart, and where most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Difference:
    """How far a tensor is from its reference."""

    relative: float
    """The largest absolute error as a share of the largest absolute value of the reference; infinite where
    the two cannot be compared, or are of no floats and not equal."""
    text: str
    """What there is to say of it in a few words."""

    def exceeds(self, tolerance: float) -> bool:
        """Whether it is more than ``tolerance``, a share of the largest value."""
        return self.relative > tolerance


def difference(reference: Values, candidate: Values) -> Difference:
    """Compare ``candidate`` with ``reference``, of any shapes and types. Never raises for what they hold.

    Values that are not finite have to be the same in both, at the same places: they are the network's own.
    """
    if reference.shape != candidate.shape:
        return Difference(math.inf, f"its shape is {list(candidate.shape)} and not {list(reference.shape)}")
    if "f" not in (reference.dtype.kind, candidate.dtype.kind):
        differ = int(np.count_nonzero(reference != candidate))
        return Difference(math.inf if differ else 0.0, f"{differ} of {reference.size} values differ")
    if reference.size == 0:
        return Difference(0.0, "there are no values in it")
    expected, actual = reference.astype(np.float64), candidate.astype(np.float64)
    finite = np.isfinite(expected) & np.isfinite(actual)
    same = finite | (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    if not same.all():
        place = _place(~same)
        count = int(np.count_nonzero(~same))
        return Difference(
            math.inf,
            f"{count} of {same.size} values are not finite in one alone; {_at(place, expected, actual)}",
        )
    errors = np.zeros_like(expected)
    np.subtract(expected, actual, out=errors, where=finite)
    np.abs(errors, out=errors)
    error, largest = (
        float(errors.max()),
        float(np.abs(expected, where=finite, out=np.zeros_like(expected)).max()),
    )
    relative = error / largest if largest > 0 else (0.0 if error == 0 else math.inf)
    if error == 0:
        return Difference(0.0, "all values are equal")
    apart = f"{relative:.2g} of the largest value apart" if largest > 0 else f"{error:.2g} apart from zeros"
    return Difference(relative, f"{apart}; {_at(_place(errors == error), expected, actual)}")


def _place(marked: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Where the first value is that is marked."""
    return tuple(int(each) for each in np.unravel_index(int(marked.argmax()), marked.shape))


def _at(place: tuple[int, ...], expected: Values, actual: Values) -> str:
    return f"at {list(place)} it is {actual[place]:.6g} and not {expected[place]:.6g}"


@dataclass(frozen=True)
class Worst:
    """The largest of the differences on several data sets."""

    data_set: str
    difference: Difference


def worst(references: Mapping[str, Values], candidates: Mapping[str, Values]) -> Worst:
    """Where tensors of the same data sets are furthest apart; of several such, the smallest tensor."""
    found: Iterable[Worst] = (
        Worst(name, difference(reference, candidates[name])) for name, reference in references.items()
    )
    return max(found, key=lambda each: (each.difference.relative, -references[each.data_set].size))
