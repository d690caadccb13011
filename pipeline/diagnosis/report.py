"""What came of a diagnosis, in lines for a person. What files and frameworks say is made visible here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from parity.diagnosis.difference import Values
from pipeline.diagnosis.findings import Finding, Outcome, described, weights_of
from pipeline.diagnosis.running import titled
from publishing.foreign_text import in_one_line

_SHOWN = 8
"""Nodes and inputs that are listed."""


def lines_of(outcome: Outcome, folder: Path | None = None) -> list[str]:
    """A line that says what was compared and what came of it, and of a finding one for each of its facts.

    ``folder`` has the smallest model that shows it.
    """
    finding = outcome.finding
    if finding is None:
        return [in_one_line(f"{outcome.title}: {outcome.text}.")]
    lines = [
        f"{outcome.title}: the first tensor that differs is {finding.tensor!r}.",
        *(f"  {line}" for line in _facts(finding)),
        f"  beside this: {outcome.text}{_others(finding)}",
    ]
    if folder:
        names = "model.onnx, inputs.npz, expected.npz, reproduce.py"
        lines.append(f"  written: {folder}/ with {names}")
    return [f"{'  ' * line.startswith('  ')}{in_one_line(line)}" for line in lines]


def _facts(finding: Finding) -> Iterator[str]:
    yield f"operator: {finding.node.op_type}"
    yield f"node: {described(finding.node)}, in {titled(finding.side.runtime)}"
    if len(finding.nodes) > 1:
        nodes = [described(node) for node in finding.nodes[-_SHOWN - 1 : -1]]
        more = len(finding.nodes) - 1 - len(nodes)
        before = f"{more} more, " if more else ""
        yield f"made with: {before}{', '.join(nodes)}, which the reference does not show one by one"
    if finding.reference != finding.tensor:
        yield f"the reference: {finding.reference}"
    if finding.rewrite:
        yield f"rewrite: {finding.rewrite}"
    for name, array in [*finding.given.items()][:_SHOWN]:
        yield f"input: {_described(name, array)}"
    for name, array in [*weights_of(finding).items()][:_SHOWN]:
        yield f"weights: {_described(name, array)}"
    if finding.weights:
        yield f"other weights: {finding.weights}"
    worst = finding.worst
    yield f"error: {worst.difference.text}, on {worst.data_set}, of what the reference computes before it"


def _described(name: str, array: Values) -> str:
    """A tensor: name, type, shape and range."""
    text = f"{name!r} {array.dtype} {list(array.shape)}"
    if not array.size:
        return text
    if array.dtype.kind != "f":
        return f"{text}, {array.min()} to {array.max()}"
    finite = array[np.isfinite(array)]
    extent = f"{finite.min():.6g} to {finite.max():.6g}" if finite.size else "nothing finite"
    rest = array.size - finite.size
    return f"{text}, {extent}{f', {rest} not finite' if rest else ''}"


def _others(finding: Finding) -> str:
    if not finding.others:
        return ""
    counted = ", ".join(f"{count} of {name}" for name, count in Counter(finding.others).most_common())
    return f"; {len(finding.others)} more differ by themselves: {counted}"
