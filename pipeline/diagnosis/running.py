"""Runs parts of graphs in a runtime, each in a process of its own."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from onnx import helper

from evaluation.inputs import write_npz
from opsets.files.storage import write
from parity.call import RuntimeCall
from parity.diagnosis.difference import Values
from parity.diagnosis.graphs import Given, Network, Part
from parity.diagnosis.sizes import Facts, facts_of
from parity.runtimes.registry import RUNTIMES
from pipeline.errors import PipelineError
from pipeline.workers.processes import Limits
from pipeline.workers.runtimes import runs_of

UNOPTIMISED, OPTIMISED, OPENVINO = "onnxruntime-unoptimised", "onnxruntime", "openvino"
TITLES = {
    UNOPTIMISED: "onnxruntime without optimisations",
    OPTIMISED: "onnxruntime with its optimisations",
    "onnxruntime-raised": "onnxruntime on the file raised to opset 9",
}
_THREADS = 2

Tensors = Mapping[str, Values]
"""By their names."""
DataSets = Mapping[str, Tensors]
"""By their names, the inputs of a graph, or what was computed of them."""


class NotRunError(PipelineError):
    """A runtime did not run a part of a graph."""


def runtime_for(opset: int) -> str:
    """The runtime that computes every node of a file of ``opset`` as it stands there."""
    return UNOPTIMISED if opset >= RUNTIMES[OPTIMISED].OPSETS.start else OPENVINO


def titled(runtime: str) -> str:
    """A runtime as a person reads of it, with its version."""
    version = RUNTIMES[runtime].version().partition(",")[0]
    return f"{TITLES.get(runtime, runtime)} {version}"


@dataclass(frozen=True)
class Side:
    """A file, and the runtime that it runs in."""

    title: str
    network: Network
    runtime: str
    facts: Facts

    @property
    def opset(self) -> int:
        """Of the operators of ONNX itself."""
        imports = self.network.model.opset_import
        return next(int(entry.version) for entry in imports if entry.domain in ("", "ai.onnx"))

    def input_named(self, inputs: Tensors) -> dict[str, Values]:
        """``inputs``, which are in the order of the graph's, by their names in it."""
        return dict(zip(self.network.inputs, inputs.values(), strict=True))


def side(title: str, network: Network, runtime: str, data_sets: DataSets) -> Side:
    """A file whose inputs are those of ``data_sets``, in the order of the graph's."""
    largest = max(data_sets.values(), key=lambda each: sum(array.size for array in each.values()))
    lengths = {name: array.shape for name, array in zip(network.inputs, largest.values(), strict=True)}
    return Side(title, network, runtime, facts_of(network.model, lengths))


def times_of(data_sets: DataSets) -> float:
    """How many times the tensors of the largest data set there are in all of them together."""
    sizes = [sum(array.size for array in each.values()) for each in data_sets.values()]
    return sum(sizes) / max(1, *sizes)


@dataclass(frozen=True)
class Runner:
    """Where parts are run, and within which limits."""

    folder: Path
    """An existing folder, in which nothing of a run stays."""
    stop: threading.Event
    limits: Limits = field(default_factory=Limits)

    def run(self, part: Part, runtime: str, data_sets: DataSets) -> dict[str, dict[str, Values]]:
        """The outputs of ``part`` by their names, for each data set, which has its inputs by their names.

        Floats of 16 bits come as ones of 32.

        Raises:
            NotRunError: the runtime does not run it, or broke a limit.
        """
        place = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            write(part.model, place / "model.onnx")
            members = {
                f"{number}-{position}": data_sets[data_set][name]
                for number, data_set in enumerate(data_sets)
                for position, name in enumerate(part.inputs)
            }
            write_npz(place / "inputs.npz", members)
            call = RuntimeCall(
                runtime,
                {"model": place / "model.onnx"},
                place / "inputs.npz",
                place / "run",
                _THREADS,
                data_sets={
                    data_set: [f"{number}-{position}" for position in range(len(part.inputs))]
                    for number, data_set in enumerate(data_sets)
                },
            )
            (place / "run").mkdir()
            run = runs_of(call, self.limits, self.stop)["model"]
        finally:
            shutil.rmtree(place, ignore_errors=True)
        if run.outcome != "ran":
            raise NotRunError(f"{titled(runtime)}: {run.outcome}: {run.reason}")
        return {
            data_set: {name: run.outputs[f"{data_set}/{place}"] for place, name in enumerate(part.outputs)}
            for data_set in data_sets
        }

    def tensors(self, of: Side, names: Sequence[str], data_sets: DataSets) -> dict[str, dict[str, Values]]:
        """What a file computes of ``names``, some of which may be its inputs, by all that leads to them.

        ``data_sets`` have the inputs in the graph's order. Raises NotRunError.
        """
        given = {data_set: of.input_named(inputs) for data_set, inputs in data_sets.items()}
        made = [name for name in dict.fromkeys(names) if name in of.network.makers]
        computed = (
            self.run(of.network.part(made, {}), of.runtime, given) if made else {name: {} for name in given}
        )
        return {data_set: {**given[data_set], **computed[data_set]} for data_set in data_sets}


def given_of(names: Sequence[str], data_sets: DataSets, facts: Facts) -> dict[str, Given]:
    """The types and lengths of tensors that are handed to a part: open where the data sets differ."""
    given = {}
    for name in names:
        shapes = [tensors[name].shape for tensors in data_sets.values()]
        first = next(iter(data_sets.values()))[name]
        lengths = tuple(each[0] if len(set(each)) == 1 else None for each in zip(*shapes, strict=True))
        element = facts.elements.get(name) or int(helper.np_dtype_to_tensor_dtype(np.dtype(first.dtype)))
        given[name] = Given(element, lengths)
    return given


def halves(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """``names`` in two halves."""
    middle = len(names) // 2
    yield names[:middle]
    yield names[middle:]
