"""The command that counts how often models are right, and notes it in the records of published ones."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.accuracy import score
from evaluation.datasets import read_labels
from evaluation.errors import EvaluationError
from evaluation.saved_outputs import read_datalist, read_outputs, without_ending
from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import PipelineError, UsageError
from pipeline.evaluations.evaluation import evaluate_group, grouped
from pipeline.evaluations.report import Evaluated, print_accuracy, print_evaluated
from pipeline.evaluations.source_answers import SourceModel, require_sources
from pipeline.evaluations.targets import Target, file_target, unit_target, units_in
from pipeline.planning.planner import make_plan, read_checked, zoo_at
from pipeline.planning.selection import Selection
from pipeline.stages.zoo_announcement import announce_zoo, signer_with
from pipeline.system.interrupts import interruptible
from pipeline.terminal.wording import say
from publishing.accuracies import note_accuracies
from publishing.errors import PublishError
from publishing.zoo import Zoo


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    what: str
    """A unit or a glob over units, an ONNX file, or a pipeline file."""
    data: Path
    labels: Path | None = None
    name: str | None = None
    """What the data set is called in the figures; None: as its folder is."""
    zoo: str = "dist"
    only: tuple[str, ...] = ()
    runtime: str | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """What replaces the models' own, field by field."""
    against_source: bool = False
    sign: Path | None = None


@dataclass(frozen=True)
class Found:
    """What a request names."""

    targets: Sequence[Target]
    zoo: Zoo | None = None
    sources: Mapping[str, SourceModel] = field(default_factory=dict)
    """By the names of the models, where a pipeline file says how to ask their frameworks."""


def evaluate(request: Request) -> bool:
    """Evaluate what is asked for, print it, and note it in the records of published units.

    Whether all went well: everything ran, and every picture could be read. Figures of pictures that were
    prepared otherwise than the model asks are printed, and noted nowhere.

    Raises:
        UsageError: the models, the pictures or the labels are not there, or do not fit each other.
        PipelineError: the disk or the zoo cannot be written.
        Interrupted: a signal asked to stop; what is done stays done.
    """
    signer = signer_with(request.sign) if request.sign else None
    stop = threading.Event()
    with interruptible(stop):
        found = _found(request, stop)
        groups = grouped(found.targets, request.data, request.labels)
        sources = found.sources if request.against_source else {}
        if request.against_source:
            require_sources([targets[0].title for targets, _ in groups], sources)
        name = request.name or request.data.absolute().name
        outcomes: list[Evaluated] = []
        for group in groups:
            outcomes += evaluate_group(group, name, sources.get(group[0][0].title), stop)
        print_evaluated(outcomes)
        figures = {one.target.name: one.figure for one in outcomes if one.good and one.figure}
        if found.zoo and figures and not request.preprocessing:
            _note(found.zoo, figures)
            announce_zoo(found.zoo, signer, say)
    return all(one.good for one in outcomes)


def _note(zoo: Zoo, figures: Mapping[str, Mapping[str, Any]]) -> None:
    try:
        note_accuracies(zoo, figures)
    except PublishError as error:
        raise PipelineError(str(error)) from error


def _found(request: Request, stop: threading.Event) -> Found:
    if request.what.endswith((".yaml", ".yml")):
        return _of_pipeline_file(request, stop)
    if request.only:
        raise UsageError("--only selects units of a pipeline file; here, name the units themselves.")
    if request.what.endswith(".onnx"):
        path = Path(request.what)
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file.")
        return Found([file_target(path, request.runtime, request.preprocessing)])
    zoo = zoo_at(request.zoo, Path())
    units = units_in(zoo, request.what)
    return Found([unit_target(zoo, unit, request.runtime, request.preprocessing) for unit in units], zoo)


def _of_pipeline_file(request: Request, stop: threading.Event) -> Found:
    """All units of a pipeline file that are published."""
    environments = RunEnvironments(stop=stop, say=say)
    plan = make_plan(read_checked(Path(request.what)), Selection(request.only))
    units = [plan.published[unit.name] for unit in plan.units if unit.name in plan.published]
    if not units:
        raise UsageError(
            f"{request.what}: none of its {len(plan.units)} units is published in {plan.zoo.store.place} "
            f"yet; `python -m pipeline run {request.what}` publishes them."
        )
    if len(units) < len(plan.units):
        say(f"{len(plan.units) - len(units)} of {len(plan.units)} units are not published, and left out")
    targets = [unit_target(plan.zoo, unit, request.runtime, request.preprocessing) for unit in units]
    sources = {job.name: SourceModel(job, plan, environments, stop) for job in plan.jobs}
    return Found(targets, plan.zoo, sources)


def score_outputs(outputs: Path, datalist: Path, labels: Path) -> None:
    """Score what a device computed of prepared pictures, and print it.

    Raises UsageError where outputs, list and labels do not fit each other.
    """
    try:
        names = read_datalist(datalist)
        logits = read_outputs(outputs, names)
        truth = read_labels(labels, names, "picture", logits.shape[1], without_ending)
        figures = score(logits, truth)
    except EvaluationError as error:
        raise UsageError(f"{error}.") from error
    print_accuracy(str(outputs), figures)
