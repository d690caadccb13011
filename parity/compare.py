"""Two sets of logits compared: how far apart they are, and whether that is near enough."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
_Exact = npt.NDArray[np.float64]

TIE = 1e-4
"""Classes whose reference logits differ by no more than twice this share of the largest one are tied
at most, however wide the gate. Were the measured error allowed instead, no swap could ever be
found: two classes cannot change places unless they are nearer than twice the error."""


@dataclass(frozen=True)
class Tolerance:
    """What a candidate may do and still pass.

    ``relative`` bounds the largest absolute error, as a share of the largest absolute reference
    logit; ``top1`` and ``top5`` ask for the same most probable classes in every row.
    """

    relative: float = 1e-4
    top1: bool = True
    top5: bool = True

    def __post_init__(self) -> None:
        """Refuse a bound that nothing, or anything, would satisfy.

        Raises:
            ValueError: ``relative`` is not above 0 and below 1.
        """
        if not 0 < self.relative < 1:
            raise ValueError(f"relative tolerance {self.relative} must be above 0 and below 1, such as 1e-4")


@dataclass(frozen=True)
class Comparison:
    """The figures of one runtime on one data set.

    All figures are None where the two could not be compared (other shape, values not finite).
    ``cosine`` is the smallest over the rows; ``psnr`` is in dB with the largest absolute reference
    logit as the peak, and None also where the two are equal; ``top1`` and ``top5`` are the share of
    rows that agree.
    """

    passed: bool
    reason: str
    absolute_error: float | None = None
    relative_error: float | None = None
    cosine: float | None = None
    psnr: float | None = None
    top1: float | None = None
    top5: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return asdict(self)


def compare(reference: Array, candidate: Array, tolerance: Tolerance) -> Comparison:
    """Compare logits with the reference's, both float32 (N, classes).

    Never raises for what a runtime may answer: a wrong shape or values that are not finite are a
    comparison that did not pass.
    """
    trouble = _incomparable(reference, candidate)
    if trouble:
        return Comparison(passed=False, reason=trouble)
    expected, actual = reference.astype(np.float64), candidate.astype(np.float64)
    difference = np.abs(expected - actual)
    error, largest = float(difference.max()), float(np.abs(expected).max())
    relative = error / largest if largest > 0 else (0.0 if error == 0 else None)
    margin = 2 * min(tolerance.relative, TIE) * largest
    top1 = _agreement(expected, actual, 1, margin)
    top5 = _agreement(expected, actual, 5, margin)
    reason = _reason(relative, top1, top5, tolerance)
    return Comparison(
        passed=not reason,
        reason=reason,
        absolute_error=error,
        relative_error=relative,
        cosine=_smallest_cosine(expected, actual),
        psnr=_psnr(difference, largest),
        top1=top1,
        top5=top5,
    )


def _incomparable(reference: Array, candidate: Array) -> str:
    if reference.ndim != 2 or 0 in reference.shape:
        return f"the reference has shape {list(reference.shape)}; it must be (N, classes)"
    if candidate.shape != reference.shape:
        return f"shape {list(candidate.shape)} instead of {list(reference.shape)}"
    for name, values in (("reference", reference), ("output", candidate)):
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            return f"{bad} of {values.size} values of the {name} are not finite"
    return ""


def _reason(relative: float | None, top1: float, top5: float, tolerance: Tolerance) -> str:
    """Say what the gate objects to; empty when nothing."""
    reasons = []
    if relative is None:
        reasons.append("the reference is all zeros and the output is not")
    elif relative > tolerance.relative:
        reasons.append(f"relative error {relative:.2g} is above {tolerance.relative:.2g}")
    if tolerance.top1 and top1 < 1:
        reasons.append(f"another most probable class in {1 - top1:.0%} of the rows")
    if tolerance.top5 and top5 < 1:
        reasons.append(f"other top-5 classes in {1 - top5:.0%} of the rows")
    return "; ".join(reasons)


def _agreement(expected: _Exact, actual: _Exact, k: int, margin: float) -> float:
    """Return the share of rows whose ``k`` best classes are the same, but for swaps within ``margin``."""
    rows = zip(expected, actual, _best(expected, k), _best(actual, k), strict=True)
    agreed = [_same_classes(row, set(ours), set(theirs), margin) for row, _, ours, theirs in rows]
    return float(np.mean(agreed))


def _best(logits: _Exact, k: int) -> list[list[int]]:
    best: list[list[int]] = np.argsort(-logits, axis=1, kind="stable")[:, :k].tolist()
    return best


def _same_classes(row: _Exact, ours: set[int], theirs: set[int], margin: float) -> bool:
    left_out, put_in = ours - theirs, theirs - ours
    if not left_out:
        return True
    return bool(max(row[i] for i in left_out) - min(row[i] for i in put_in) <= margin)


def _smallest_cosine(expected: _Exact, actual: _Exact) -> float:
    """Return the cosine of the worst row; 1 for two rows of zeros, 0 for one."""
    lengths = np.linalg.norm(expected, axis=1), np.linalg.norm(actual, axis=1)
    directions = [
        np.divide(values, length[:, None], out=np.zeros_like(values), where=length[:, None] > 0)
        for values, length in zip((expected, actual), lengths, strict=True)
    ]
    cosines = (directions[0] * directions[1]).sum(axis=1)
    both_zero = (lengths[0] == 0) & (lengths[1] == 0)
    return float(np.clip(np.where(both_zero, 1.0, cosines), -1.0, 1.0).min())


def _psnr(difference: _Exact, largest: float) -> float | None:
    root = float(np.sqrt(np.mean(difference**2)))
    return None if root == 0 or largest == 0 else 20 * float(np.log10(largest / root))
