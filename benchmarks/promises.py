"""What a benchmark found, beside what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure that was measured; ratios are of figures of one run, so that a slow machine slows both."""

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether it is as promised, where anything is."""
        too_much = self.at_most is not None and self.value > self.at_most
        return not too_much and (self.at_least is None or self.value >= self.at_least)

    @property
    def promise(self) -> str:
        """In words, empty where there is none."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}" if self.at_least is not None else ""

    def __str__(self) -> str:
        words = [f"{self.what}:", f"{self.value:.3g}", self.unit, f"({self.promise})" if self.promise else ""]
        return " ".join(word for word in words if word) + ("" if self.kept else "  BROKEN")


def print_and_leave(figures: Sequence[Figure]) -> None:
    """Print a line for each figure, and leave with 1 where a promise is broken."""
    for figure in figures:
        print(figure, flush=True)
    raise SystemExit(not all(figure.kept for figure in figures))
