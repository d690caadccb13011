"""Runs two files in every runtime, each in a process of its own, and says whether they compute the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.inputs import write_npz
from parity.call import Run, RuntimeCall
from parity.compare import Tolerance
from parity.equivalence import Equivalence, apart, judge_pair
from parity.runtimes.registry import asked_at
from pipeline.equivalence.graphs import Graph, common_inputs, matched_outputs, with_input_of
from pipeline.equivalence.inputs import Inputs, Values, made_inputs, read_inputs
from pipeline.workers.processes import Limits
from pipeline.workers.runtimes import runs_of_file

_THREADS = 2
"""With one, OpenVINO lets a Reshape pass that leaves out rows."""
_NEWEST = 21
"""The opset whose runtimes are asked about newer ones as well."""


@dataclass(frozen=True)
class Compared:
    """Two files, and what came of comparing them."""

    first: Graph
    second: Graph
    equivalence: Equivalence
    notes: tuple[str, ...]
    rows: int
    """Of inputs, in all data sets."""
    apart: float | None = None
    """How far runtimes are from each other on the first file, relative to its largest output.

    None where fewer than two run it. A graph may magnify what is negligible in one of its sums; one that is
    quantised rounds it to a whole step.
    """

    @property
    def same(self) -> bool:
        return self.equivalence.verdict.status == "passed"


def compare_files(
    first: Graph,
    second: Graph,
    arrays: Path | None,
    relative: float,
    folder: Path,
    stop: threading.Event,
    limits: Limits | None = None,
) -> Compared:
    """Compare the files on the inputs in ``arrays``, an .npz file, or on such as are made for them.

    ``folder`` is empty, and the caller's to remove. ``limits`` are those of each runtime's process.

    Raises:
        UsageError: the inputs differ between the files, or are not those of ``arrays``.
        PipelineError: something of theirs is not compared.
        OSError: the disk refuses.
        Interrupted: ``stop`` was set.
    """
    second, called = with_input_of(first, second)
    ports = common_inputs(first, second)
    positions, matched = matched_outputs(first, second)
    inputs = read_inputs(arrays, ports) if arrays else made_inputs(ports, {**second.rows, **first.rows})
    notes = [*inputs.notes, *filter(None, (called, matched))]
    limits = limits or Limits()
    runs = _runs(first, inputs, folder / "first", limits, stop)
    if inputs.smaller and not any(run.outcome == "ran" for run in runs.values()):
        inputs = replace(inputs, data_sets={name: inputs.data_sets[name] for name in inputs.smaller})
        runs = _runs(first, inputs, folder / "first-smaller", limits, stop)
        if any(run.outcome == "ran" for run in runs.values()):
            notes.append(f"{first.path} runs a batch of 1 only, though its first axis is open")
    theirs = {}
    if any(run.outcome == "ran" for run in runs.values()):
        theirs = _runs(second, inputs, folder / "second", limits, stop)
        theirs = {name: _in_order(run, inputs, positions) for name, run in theirs.items()}
    names = [port.name for port in first.outputs]
    equivalence = judge_pair(runs, theirs, names, Tolerance(relative))
    own = apart(runs, names, Tolerance(relative))
    if own is not None and own > relative:
        notes.append(f"runtimes are {own:.2g} apart on {first.path} itself")
    rows = sum(_length(each) for each in inputs.data_sets.values())
    if rows == 1:
        notes.append("a single row of inputs does not show that the outputs depend on them; give several")
    return Compared(first, second, equivalence, tuple(notes), rows, own)


def _length(arrays: Mapping[str, Values]) -> int:
    return max((len(array) if array.ndim else 1 for array in arrays.values()), default=1)


def _runs(
    graph: Graph, inputs: Inputs, folder: Path, limits: Limits, stop: threading.Event
) -> dict[str, Run]:
    """What each runtime that is asked at the opset of a file computes of the data sets, which get numbers."""
    folder.mkdir()
    data_sets: dict[str, list[str]] = {}
    members: dict[str, Values] = {}
    for number, (name, arrays) in enumerate(inputs.data_sets.items()):
        data_sets[name] = [f"{number}-{place}" for place in range(len(graph.inputs))]
        keys = zip(data_sets[name], graph.inputs, strict=True)
        members |= {key: arrays[port.name] for key, port in keys}
    write_npz(folder / "inputs.npz", members)
    models, values = {"model": graph.path.absolute()}, folder / "inputs.npz"
    calls = [
        RuntimeCall(runtime, models, values, folder / runtime, _THREADS, data_sets=data_sets)
        for runtime in asked_at(min(graph.opset, _NEWEST), quantized=graph.quantized)
    ]
    return runs_of_file(calls, limits, stop)


def _in_order(run: Run, inputs: Inputs, positions: Sequence[int]) -> Run:
    """``run`` with its outputs in the order of those of the first file."""
    if run.outcome != "ran":
        return run
    outputs = {
        f"{name}/{place}": run.outputs[f"{name}/{position}"]
        for name in inputs.data_sets
        for place, position in enumerate(positions)
    }
    return replace(run, outputs=outputs)
