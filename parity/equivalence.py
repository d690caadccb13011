"""Two files held against each other: from what both computed in the runtimes to one verdict on the second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from parity.call import Run
from parity.compare import Comparison, Tolerance, compare
from parity.liveliness import lifeless
from parity.runtimes.interface import AnyArray
from parity.runtimes.registry import RUNTIMES
from parity.verdict import Verdict, decide, in_one_line, runtime_verdict


@dataclass(frozen=True)
class Equivalence:
    """Whether the second file computes what the first one does."""

    verdict: Verdict
    against: Mapping[str, str]
    """For each runtime of the second file, that in which the first one made the reference: the same where it
    ran both."""


def judge_pair(
    first: Mapping[str, Run], second: Mapping[str, Run], outputs: Sequence[str], tolerance: Tolerance
) -> Equivalence:
    """Judge the runs of two files on the same data sets, by the runtimes' names.

    ``outputs`` are the names of the outputs, which both have in this order; the calls had ``data_sets``.
    The classes that score best are compared, and ``tolerance.relative`` alone decides about floats; all
    other types have to be equal. The reference is the first file in the same runtime, or where that does not
    run it, in the first one that does, of those whose word decides.
    """
    ran = sorted((name for name in RUNTIMES if name in first and first[name].outcome == "ran"), key=_rank)
    tolerance = replace(tolerance, top1=False, top5=False)
    if not ran:
        tried = "; ".join(f"{name} {run.outcome}: {in_one_line(run.reason)}" for name, run in first.items())
        reason = f"no runtime ran the first model: {tried or 'none is asked about its opset'}"
        return Equivalence(Verdict("inconclusive", reason, tolerance, {}), {})
    against = {name: name if name in ran else ran[0] for name in second}
    runtimes = {}
    for name, run in second.items():
        fair = _without_blame(run, first.get(name))
        comparisons = {}
        if fair.outcome == "ran":
            comparisons = dict(_comparisons(first[against[name]], fair, outputs, tolerance))
        runtimes[name] = runtime_verdict(name, fair, comparisons)
    return Equivalence(decide(_lifeless(first[ran[0]], outputs, tolerance), runtimes, tolerance), against)


def apart(runs: Mapping[str, Run], outputs: Sequence[str], tolerance: Tolerance) -> float | None:
    """How far runtimes are from each other on one file: the largest relative error of any against the first.

    The first is the one that :func:`judge_pair` would take for the reference. None where only one ran it.
    """
    ran = sorted((name for name in RUNTIMES if name in runs and runs[name].outcome == "ran"), key=_rank)
    errors = [
        comparison.relative_error
        for name in ran[1:]
        for _, comparison in _comparisons(runs[ran[0]], runs[name], outputs, tolerance)
        if comparison.relative_error is not None
    ]
    return max(errors, default=None)


def _rank(name: str) -> tuple[bool, bool]:
    return not RUNTIMES[name].JUDGE, not RUNTIMES[name].INDEPENDENT


def _without_blame(run: Run, other: Run | None) -> Run:
    """``run``, as one that says nothing where the runtime failed on the first file, too."""
    if other is None or "ran" in (run.outcome, other.outcome) or run.outcome == "unsupported":
        return run
    return replace(run, outcome="unsupported", reason=f"it ran neither model: {run.reason}")


def _comparisons(
    first: Run, second: Run, outputs: Sequence[str], tolerance: Tolerance
) -> Iterator[tuple[str, Comparison]]:
    """Of every data set and output; where there are several outputs, both are in the key."""
    for position, output in enumerate(outputs):
        candidates = second.of_output(position)
        for data_set, reference in first.of_output(position).items():
            key = data_set if len(outputs) == 1 else f"{data_set}, output {output}"
            yield key, compare_arrays(reference, candidates[data_set], tolerance)


def compare_arrays(reference: AnyArray, candidate: AnyArray, tolerance: Tolerance) -> Comparison:
    """Compare one output with the reference's, of any shape.

    Floats are compared as rows along the first axis; only what may be the scores of classes,
    (N, classes) with any number of ones behind it, has a top-1. All other types have to be equal.
    """
    if candidate.shape != reference.shape:
        return Comparison(
            passed=False, reason=f"shape {list(candidate.shape)} instead of {list(reference.shape)}"
        )
    if "f" not in (reference.dtype.kind, candidate.dtype.kind):
        differ = int(np.count_nonzero(reference != candidate))
        reason = f"{differ} of {reference.size} values differ" if differ else ""
        return Comparison(passed=not differ, reason=reason)
    if reference.dtype.kind != candidate.dtype.kind:
        return Comparison(passed=False, reason=f"{candidate.dtype} instead of {reference.dtype}")
    comparison = compare(_rows(reference), _rows(candidate), tolerance)
    scores = reference.ndim >= 2 and reference.shape[1] > 1 and set(reference.shape[2:]) <= {1}
    return comparison if scores else replace(comparison, top1=None, top5=None)


def _rows(array: AnyArray) -> AnyArray:
    """(N, everything else); one row of one value for a scalar."""
    if array.size == 0:
        return array
    return array.reshape(array.shape[0] if array.ndim else 1, -1)


def _lifeless(run: Run, outputs: Sequence[str], tolerance: Tolerance) -> str:
    """Why nothing can rest on the reference; empty where it answers to the input.

    Outputs of floats all have to. Others, such as the index of the best class, may well be the same for a
    few inputs: one of them has to differ where there are no floats.
    """
    floats = False
    others = []
    for position, output in enumerate(outputs):
        arrays = run.of_output(position)
        if any(array.dtype.kind == "f" for array in arrays.values()):
            floats = True
            rows = _alike({name: _rows(array) for name, array in arrays.items()})
            several = sum(len(array) for array in rows.values()) > 1
            reason = lifeless(rows, tolerance, inputs=several)
            if reason:
                return reason if len(outputs) == 1 else f"output {output}: {reason}"
        else:
            others.append(_alike({name: _rows(array) for name, array in arrays.items()}))
    if not floats and not any(_differ(rows) for rows in others):
        return "the outputs are the same for all inputs"
    return ""


def _alike(rows: Mapping[str, AnyArray]) -> Mapping[str, AnyArray]:
    """Those of the most common shape of a row: with open axes, data sets may have rows of other lengths."""
    shapes = [array.shape[1:] for array in rows.values()]
    usual = max(shapes, key=shapes.count)
    return {name: array for name, array in rows.items() if array.shape[1:] == usual}


def _differ(rows: Mapping[str, AnyArray]) -> bool:
    whole = np.concatenate(list(rows.values()))
    return bool(len(whole) == 1 or (whole != whole[:1]).any())
