"""One unit of a pipeline file: the framework, its native export, the file at the opset, and the runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from converters.interface import outputs_call, tracing
from evaluation.inputs import in_batches, write_npz
from opsets import StaticAxes, read_graph, retarget_with_report
from opsets.errors import RetargetError
from parity.diagnosis.difference import Worst, difference
from parity.diagnosis.graphs import Network
from parity.diagnosis.matching import ports
from pipeline.diagnosis.by_name import Pair, compare_nodes
from pipeline.diagnosis.by_value import Layer, Matching, compare_layers, read_array
from pipeline.diagnosis.findings import Outcome
from pipeline.diagnosis.in_runtimes import compare_runtimes
from pipeline.diagnosis.running import (
    OPENVINO,
    OPTIMISED,
    UNOPTIMISED,
    DataSets,
    NotRunError,
    Runner,
    Side,
    runtime_for,
    side,
    titled,
)
from pipeline.errors import PipelineError, TaskFailedError
from pipeline.planning.jobs import Unit
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun
from pipeline.workers.sources import computing, run_worker
from publishing.foreign_text import visible

_INPUT = "input"
"""What the one input of a classifier is called in data sets, whatever files call it."""
Tell = Callable[[Outcome], None]


class UnitDiagnosis:
    """All comparisons of one unit, each told when it is done."""

    def __init__(self, run: ModelRun, unit: Unit, export: Export, runner: Runner) -> None:
        """``export`` is the native export, or the form of it that the unit is made of."""
        self._run, self._unit, self._export, self._runner = run, unit, export, runner
        self._tolerance = run.job.entry.parity.relative
        batch = unit.version.batch
        inputs, self._references = export.input_arrays(), export.references()
        if batch:
            inputs, self._references = in_batches(inputs, batch), in_batches(self._references, batch)
        self._static = StaticAxes(batch=batch) if batch else None
        self._data_sets: DataSets = {name: {_INPUT: array} for name, array in inputs.items()}
        self._file: Side | None = None
        native = Network(read_graph(export.model))
        opset = int(export.answer["opset"])
        self._native = side("the native export", native, runtime_for(opset), self._data_sets)

    def outcomes(self, tell: Tell) -> list[Outcome]:
        """What came of the comparisons, in their order; ``tell`` is told of each at once.

        Where one cannot be made, that is what came of it. Raises Interrupted.
        """
        outcomes = list[Outcome]()
        for title, step in self._steps():
            try:
                outcome = step()
            except PipelineError as error:  # the other comparisons may find it
                outcome = Outcome(title, None, f"not compared: {error.lines[0].rstrip('.')}", differs=True)
            tell(outcome)
            outcomes.append(outcome)
            if step == self._retargeted and self._file is None:
                break
        return outcomes

    def _steps(self) -> Iterator[tuple[str, Callable[[], Outcome]]]:
        """The comparisons, and what each is called where it cannot be made."""
        yield f"{visible(self._run.job.source.title)} against the native export", self._framework
        yield f"the native export against the file at opset {self._unit.opset}", self._retargeted
        yield from self._runtimes()

    def _framework(self) -> Outcome:
        """The framework against the native export, on all data sets; by layers where the outputs differ."""
        if self._run.job.source.reads_onnx_files:
            return self._file_as_it_came()
        title = f"{visible(self._run.job.source.title)} against the native export"
        apart = self._apart()
        if not apart.difference.exceeds(self._tolerance):
            return Outcome(title, None, f"the outputs do not differ: {apart.difference.text}", differs=False)
        try:
            layers = self._layers(apart.data_set)
        except TaskFailedError as error:
            text = (
                f"the outputs differ on {apart.data_set}: {apart.difference.text}; layers cannot be compared"
            )
            return Outcome(title, None, f"{text}: {error.lines[0]}", differs=True)
        [output] = self._native.network.outputs
        matching = Matching(
            self._native,
            layers,
            {output: len(layers) - 1},
            apart.data_set,
            self._data_sets[apart.data_set],
            self._tolerance,
            title,
        )
        return compare_layers(matching, self._runner)

    def _apart(self) -> Worst:
        """How far the export's outputs are from the framework's, on the smallest data set that differs."""
        [output] = self._native.network.outputs
        computed = self._runner.tensors(self._native, [output], self._data_sets)
        found = [
            Worst(name, difference(reference, computed[name][output]))
            for name, reference in self._references.items()
        ]
        wrong = [each for each in found if each.difference.exceeds(self._tolerance)]
        if not wrong:
            return max(found, key=lambda each: each.difference.relative)
        return min(wrong, key=lambda each: self._data_sets[each.data_set][_INPUT].size)

    def _layers(self, data_set: str) -> list[Layer]:
        """What the layers of the framework's network answer to one data set. Raises TaskFailedError."""
        run, export, folder = self._run, self._export, self._runner.folder / "layers"
        folder.mkdir()
        pictures = folder / "pictures.npz"
        write_npz(pictures, {data_set: self._data_sets[data_set][_INPUT]})
        call = outputs_call(
            run.job.source,
            model=run.job.model.argument,
            options=run.job.network_options,
            weights=export.weights.request,
            inputs=export.inputs,
            pictures=pictures,
            output_folder=folder,
        )
        environment = export.environment
        answer = run_worker(
            tracing(call),
            python=environment.python,
            variables=computing(environment.description.variables),
            what=f"tracing {run.job.name}",
            folder=folder,
            limits=run.limits,
            stop=run.stop,
        )
        return [_layer(each, folder) for each in answer["layers"]]

    def _file_as_it_came(self) -> Outcome:
        """Of a file that is its own reference, its nodes against those of the copy that is worked with."""
        model = read_graph(Path(self._run.job.model.argument))
        came = side("the file as it came", Network(model), self._native.runtime, self._data_sets)
        return compare_nodes(_same_names(came, self._native, self._data_sets, self._tolerance), self._runner)

    def _retargeted(self) -> Outcome:
        """The native export against the file at the opset, in one runtime where it runs both."""
        opset, first = self._unit.opset, self._native
        try:
            result = retarget_with_report(first.network.model, opset, self._static)
        except RetargetError as error:
            raise PipelineError(visible(str(error))) from error
        runtime = runtime_for(opset)
        self._file = second = side(
            f"the file at opset {opset}", Network(result.model), runtime, self._data_sets
        )
        if runtime != first.runtime and self._runs(replace(first, runtime=runtime)):
            first = replace(first, runtime=runtime)
        pair = _same_names(first, second, self._data_sets, self._tolerance)
        return compare_nodes(pair, self._runner, result.rewrites)

    def _runs(self, of: Side) -> bool:
        try:
            self._runner.tensors(of, of.network.outputs, self._data_sets)
        except NotRunError:
            return False
        return True

    def _runtimes(self) -> Iterator[tuple[str, Callable[[], Outcome]]]:
        """The file at the opset in one runtime after the other, against it without any optimisation."""
        if runtime_for(self._unit.opset) != UNOPTIMISED:
            title = f"{titled(OPENVINO)} against another runtime"
            text = f"no other that people have runs opset {self._unit.opset} as it is"
            yield title, lambda: Outcome(title, None, text, differs=False)
            return
        for runtime in (OPTIMISED, OPENVINO):
            yield titled(runtime), partial(self._in_runtime, runtime)

    def _in_runtime(self, runtime: str) -> Outcome:
        assert self._file
        return compare_runtimes(self._file, runtime, self._data_sets, self._tolerance, self._runner)


def _layer(described: Mapping[str, Any], folder: Path) -> Layer:
    path = folder / str(described["file"])
    shape = read_array(path).shape
    return Layer(str(described["name"]), str(described["kind"]), shape, partial(read_array, path))


def _same_names(first: Side, second: Side, data_sets: DataSets, tolerance: float) -> Pair:
    """Two files of which one was made of the other, with its names."""
    ours, theirs = first.network, second.network
    names = {name: name for name in theirs.tensors if name in ours.makers and name not in ours.constant}
    ends = {**ports(ours.outputs, theirs.outputs), **ports(ours.inputs, theirs.inputs)}
    return Pair(first, second, {**names, **ends}, data_sets, tolerance)
