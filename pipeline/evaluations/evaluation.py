"""One data set through all targets of a model, or through its source too; what is done stays done."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from evaluation.datasets import Dataset, read_dataset
from evaluation.errors import EvaluationError
from pipeline.errors import PipelineError, UsageError
from pipeline.evaluations.asking import asking, participant_of
from pipeline.evaluations.report import Evaluated, evaluated
from pipeline.evaluations.source_answers import SourceModel, asking_too
from pipeline.evaluations.strides import Series, measure, state_name
from pipeline.evaluations.targets import Target
from pipeline.system.files import cache_folder, digest_of_code
from pipeline.system.locks import locked
from pipeline.terminal.counting import counting
from pipeline.terminal.output import console_for_progress
from pipeline.workers.processes import Limits

_ROOMS = Path(__file__).parents[2]
_CODE = tuple(_ROOMS / place for place in ("evaluation", "parity", "pipeline/evaluations"))
"""Our code that determines what is counted."""

Group = tuple[list[Target], Dataset]
"""Targets of one model that get the same bits, and the labelled pictures."""


def grouped(targets: Sequence[Target], data: Path, labels: Path | None) -> list[Group]:
    """The targets by model and what they get. Raises UsageError where pictures or labels do not fit one."""

    def alike(target: Target) -> tuple[Any, ...]:
        return target.title, str(target.preprocessing), target.batch or 0, target.classes, target.class_names

    groups = [list(group) for _, group in groupby(sorted(targets, key=alike), alike)]
    try:
        return [
            (group, read_dataset(data, labels, group[0].classes, group[0].class_names)) for group in groups
        ]
    except EvaluationError as error:
        raise UsageError(f"{error}.") from error


def evaluate_group(
    group: Group, data_set: str, source: SourceModel | None, stop: threading.Event
) -> list[Evaluated]:
    """Evaluate the targets of a group, and hold them against ``source`` where there is one.

    Raises PipelineError where the disk refuses, and Interrupted.
    """
    targets, dataset = group
    first = targets[0]
    participants, ask = [participant_of(target) for target in targets], asking(targets, Limits(), stop)
    if source:
        participants, ask = [*participants, source.participant], asking_too(source, ask)
    state = cache_folder() / "evaluations"
    try:
        state /= state_name(dataset, first.preprocessing, first.batch, digest_of_code(_CODE))
        with locked(state, stop):
            state.mkdir(parents=True, exist_ok=True)
            series = Series(dataset, first.preprocessing, first.batch, state)
            with counting(console_for_progress(), first.title, len(dataset.pictures)) as count:
                measurement = measure(series, participants, ask, count.note)
            if all(measured.ranked is not None for measured in measurement.measured.values()):
                shutil.rmtree(state)
    except OSError as error:
        raise PipelineError(
            f"{error.filename or state}: {error.strerror or error}. What is done stays done: see to it, and "
            "run the same command again"
        ) from error
    except EvaluationError as error:
        raise PipelineError(f"{first.title}: {error}") from error
    against = source.participant.name if source else None
    return [evaluated(target, measurement, data_set, against) for target in targets]
