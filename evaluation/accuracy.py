"""How often a classifier is right: top-1 and top-5, counted, with a confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.errors import EvaluationError
from evaluation.preprocessing import Array

NO_CLASS = -1
"""What a picture whose logits are not finite is taken for."""
_TOP = 5
_Z95 = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""


@dataclass(frozen=True)
class Ranked:
    """What became of some pictures, one element for each: all that counting needs of their logits."""

    predicted: npt.NDArray[np.int64]
    """The most probable class; :data:`NO_CLASS` where the logits are not finite."""
    rank: npt.NDArray[np.int64]
    """How many classes stand before the right one; so many that it is wrong where logits are not finite."""
    tied: npt.NDArray[np.bool_]
    """Whether another class has the logit of the right one: the lower index stands first, as in argmax."""


@dataclass(frozen=True)
class Share:
    """A number of pictures among all, with the interval that its share lies in, at 95 %."""

    right: int
    of: int

    @property
    def percent(self) -> float:
        return 100 * self.right / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval in percent (E. B. Wilson, 1927), which never leaves 0 to 100."""
        share, z2 = self.right / self.of, _Z95**2 / self.of
        middle = (share + z2 / 2) / (1 + z2)
        half = math.sqrt(share * (1 - share) * z2 + z2 * z2 / 4) / (1 + z2)
        return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)

    def to_dict(self) -> dict[str, Any]:
        """The form of a record: percent with four digits behind the point."""
        return {
            "right": self.right,
            "percent": round(self.percent, 4),
            "interval": [round(bound, 4) for bound in self.interval],
        }


@dataclass(frozen=True)
class Accuracy:
    """Top-1 and top-5 of some pictures, and what is to be known of them."""

    top1: Share
    top5: Share
    not_finite: int
    """Pictures whose logits are not finite; they count as wrong."""
    tied: int
    """Pictures whose right class shares its logit with another."""

    def to_dict(self) -> dict[str, Any]:
        """The form of a record."""
        return {
            "top1": self.top1.to_dict(),
            "top5": self.top5.to_dict(),
            "not_finite": self.not_finite,
            "tied": self.tied,
        }


def rank(logits: Array, labels: Sequence[int]) -> Ranked:
    """Find what ``logits`` (N, classes) say of pictures with these labels; of equal ones, the lower index.

    Raises:
        EvaluationError: the shape is another, or a label is no class.
    """
    if logits.ndim != 2 or len(logits) != len(labels) or logits.shape[1] == 0:
        raise EvaluationError(
            f"outputs of shape {list(logits.shape)} do not fit {len(labels)} labels: a row of logits is "
            "wanted for each picture"
        )
    right = np.asarray(labels, dtype=np.int64)
    classes = logits.shape[1]
    if len(right) and not (right.min() >= 0 and right.max() < classes):
        raise EvaluationError(f"a label is none of the classes 0 to {classes - 1}")
    finite = np.logical_and.reduce(np.isfinite(logits), axis=1)
    values: Array = np.where(finite[:, None], logits, np.float32(0))
    own = np.take_along_axis(values, right[:, None], axis=1)
    equal = values == own
    before = (values > own) | (equal & (np.arange(classes) < right[:, None]))
    return Ranked(
        np.where(finite, values.argmax(axis=1), NO_CLASS).astype(np.int64),
        np.where(finite, before.sum(axis=1), max(classes, _TOP)).astype(np.int64),
        finite & (equal.sum(axis=1) > 1),
    )


def joined(parts: Sequence[Ranked]) -> Ranked:
    """Put parts of a data set together, in their order."""
    return Ranked(
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.rank for part in parts]),
        np.concatenate([part.tied for part in parts]),
    )


def accuracy(ranked: Ranked) -> Accuracy:
    """Count.

    Raises:
        EvaluationError: there are no pictures.
    """
    count = len(ranked.rank)
    if count == 0:
        raise EvaluationError("an accuracy of no pictures is no figure")
    return Accuracy(
        Share(int((ranked.rank == 0).sum()), count),
        Share(int((ranked.rank < _TOP).sum()), count),
        int((ranked.predicted == NO_CLASS).sum()),
        int(ranked.tied.sum()),
    )


def score(logits: Array, labels: Sequence[int]) -> Accuracy:
    """Rank and count at once. Raises EvaluationError."""
    return accuracy(rank(logits, labels))
