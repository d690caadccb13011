"""Whether a model in a lower precision still answers as the one in float32 does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantization.graph import Array

FEWEST = 2
"""Pictures: on one alone, logits that are always the same would pass."""


@dataclass(frozen=True)
class Gate:
    """What has to hold: with labels, ``max_drop``; without, ``min_agreement`` and ``min_cosine``.

    ``max_drop`` is how much top-1 may lose, ``min_agreement`` the share of pictures with the same most
    probable class, ``min_cosine`` the mean over the pictures of the cosine between the logits.
    """

    max_drop: float = 0.01
    min_agreement: float = 0.98
    min_cosine: float = 0.99


@dataclass(frozen=True)
class GateVerdict:
    """What was measured, and what the gate objects to; nothing where it passed."""

    passed: bool
    reason: str
    pictures: int
    agreement: float | None = None
    cosine: float | None = None
    top1: float | None = None
    """Of the file in the lower precision, where there are labels."""
    reference_top1: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return asdict(self)


def judge(
    reference: Array, logits: Array, gate: Gate, labels: npt.NDArray[np.int64] | None = None
) -> GateVerdict:
    """Compare ``logits`` with those in float32, both float32 (N, classes); ``labels`` are N classes.

    Never raises for what a runtime may answer: logits of another shape, or that are not finite, do not pass.
    """
    count = len(reference)
    trouble = _incomparable(reference, logits)
    if trouble:
        return GateVerdict(False, trouble, count)
    ours, theirs = logits.argmax(axis=1), reference.argmax(axis=1)
    agreement, cosine = float((ours == theirs).mean()), _mean_cosine(reference, logits)
    if labels is None:
        reasons = []
        if agreement < gate.min_agreement:
            reasons.append(
                f"the most probable class is the same on {agreement:.1%} of {count} pictures, "
                f"and {gate.min_agreement:.1%} are asked for"
            )
        if cosine < gate.min_cosine:
            reasons.append(f"the mean cosine of the logits is {cosine:.4f}, below {gate.min_cosine}")
        return GateVerdict(not reasons, "; ".join(reasons), count, agreement, cosine)
    top1, before = float((ours == labels).mean()), float((theirs == labels).mean())
    dropped = round(before - top1, 9) > gate.max_drop
    reason = (
        f"top-1 falls from {before:.2%} to {top1:.2%} on {count} pictures, by more than {gate.max_drop:.2%}"
    )
    return GateVerdict(not dropped, reason if dropped else "", count, agreement, cosine, top1, before)


def _incomparable(reference: Array, logits: Array) -> str:
    if reference.ndim != 2 or not reference.size:
        return f"the logits in float32 have the shape {list(reference.shape)}; it has to be (N, classes)"
    if logits.shape != reference.shape:
        return f"the logits have the shape {list(logits.shape)} instead of {list(reference.shape)}"
    for name, values in (("in float32", reference), ("in the lower precision", logits)):
        if not np.isfinite(values).all():
            return f"the logits {name} are not finite"
    if len(reference) < FEWEST:
        return f"{len(reference)} picture is too few to prove anything: at least {FEWEST} are needed"
    for name, values in (("in float32", reference), ("in the lower precision", logits)):
        if not np.ptp(values, axis=0).any():
            return f"the logits {name} are the same for every picture, so nothing is proven"
    return ""


def _mean_cosine(reference: Array, logits: Array) -> float:
    one, other = reference.astype(np.float64), logits.astype(np.float64)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    products = (one * other).sum(axis=1)
    return float(np.where(lengths > 0, products / np.maximum(lengths, 1e-300), 0.0).mean())
