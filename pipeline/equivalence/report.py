"""What came of comparing two files, for a person and for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from parity.compare import Comparison
from parity.verdict import RuntimeVerdict
from pipeline.equivalence.comparing import Compared
from pipeline.workers.runtimes import without_log
from publishing.foreign_text import in_one_line


def lines(compared: Compared) -> list[str]:
    """A line for each runtime, one for each note, and the verdict."""
    return [*map(in_one_line, _lines(compared)), in_one_line(verdict(compared))]


def _lines(compared: Compared) -> Iterator[str]:
    for name, runtime in compared.equivalence.verdict.runtimes.items():
        yield f"{name} {runtime.version}: {_said(compared, name, runtime)}"
    for note in compared.notes:
        yield f"note: {note}"
    if compared.equivalence.verdict.dissent:
        yield f"note: a second opinion differs: {compared.equivalence.verdict.dissent}"


def _said(compared: Compared, name: str, runtime: RuntimeVerdict) -> str:
    if runtime.outcome != "ran":
        return runtime.complaint
    where, worst = _worst(runtime)
    other = compared.equivalence.against[name]
    beside = "" if other == name else f", with {compared.first.path} in {other}, as it does not run here"
    return f"{'the same' if runtime.agrees else 'not the same'}, {_figures(worst)} on {where}{beside}"


def _worst(runtime: RuntimeVerdict) -> tuple[str, Comparison]:
    """Where the two are furthest apart: what could not be compared comes before any error."""

    def distance(item: tuple[str, Comparison]) -> tuple[bool, float]:
        error = item[1].relative_error
        return not item[1].passed, error if error is not None else -1.0 if item[1].passed else math.inf

    return max(runtime.comparisons.items(), key=distance)


def _figures(comparison: Comparison) -> str:
    if comparison.relative_error is None or comparison.cosine is None:
        return comparison.reason or "all values equal"
    figures = (
        f"at most {comparison.relative_error:.2g} of the largest output apart "
        f"({comparison.absolute_error:.2g}), cosine {comparison.cosine:.7g}"
    )
    return figures if comparison.top1 is None else f"{figures}, the same best class in {comparison.top1:.0%}"


def verdict(compared: Compared) -> str:
    """One sentence: whether they compute the same, and where not."""
    result = compared.equivalence.verdict
    pair = f"{compared.first.path} and {compared.second.path}"
    if result.status == "passed":
        agreeing = [name for name, runtime in result.runtimes.items() if runtime.agrees]
        return f"{pair} compute the same, within {result.tolerance.relative:g}, in {', '.join(agreeing)}."
    reason = without_log(result.reason).rstrip(".")
    if result.status == "failed":
        return f"{pair} do not compute the same, within {result.tolerance.relative:g}: {reason}."
    return f"whether {pair} compute the same cannot be told: {reason}."


def as_json(compared: Compared) -> str:
    """All figures: for each runtime each data set, with the runtime that the reference is from."""
    values: dict[str, Any] = compared.equivalence.verdict.to_dict()
    for name, runtime in values["runtimes"].items():
        runtime["reference"] = compared.equivalence.against[name]
    values |= {
        key: {"path": str(graph.path), "opset": graph.opset, "quantized": graph.quantized}
        for key, graph in (("first", compared.first), ("second", compared.second))
    }
    return json.dumps({**values, "same": compared.same, "notes": compared.notes}, indent=2, allow_nan=False)
