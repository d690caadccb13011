"""The source framework among those who answer: the same bits, in its own environment."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from converters.interface import outputs_call
from evaluation.inputs import read_npz, write_npz
from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import UsageError, WorkerError
from pipeline.evaluations.strides import Answer, Ask, Participant
from pipeline.planning.jobs import ModelJob, Plan
from pipeline.stages.embedding import normalised
from pipeline.stages.export import Material, make_material
from pipeline.stages.model_run import ModelRun
from pipeline.terminal.output import console_for_progress
from pipeline.terminal.progress import PlainProgress
from pipeline.workers.runtimes import without_log
from pipeline.workers.sources import computing, run_worker


@dataclass
class SourceModel:
    """The model of a job, as its framework has it; its weights are fetched when it is first asked."""

    job: ModelJob
    plan: Plan
    environments: RunEnvironments
    stop: threading.Event
    _material: Material | None = field(default=None, init=False)

    @property
    def participant(self) -> Participant:
        return Participant(f"{self.job.name} in {self.job.source.title}", self.job.export_key)

    def answer(self, pictures: Path, folder: Path) -> Answer:
        """The logits for an .npz file of batches. Raises PipelineError: the framework cannot be asked."""
        run = ModelRun(
            self.job, self.plan, PlainProgress(console_for_progress()), self.environments, self.stop
        )
        try:
            made_from = self._material = self._material or make_material(run)
        except WorkerError as error:  # code that nobody trusts, or a config that cannot be read
            return Answer(None, reason=without_log(str(error)))
        folder.mkdir()
        largest = self.job.entry.embed.normalise
        if largest:  # what is embedded in the file is done outside of it here
            own = made_from.preprocessing
            arrays = {name: normalised(batch, own, largest) for name, batch in read_npz(pictures).items()}
            pictures = folder / "pictures.npz"
            write_npz(pictures, arrays)
        call = outputs_call(
            self.job.source,
            model=self.job.model.argument,
            options=self.job.network_options,
            weights=made_from.weights.request,
            inputs=made_from.inputs,
            pictures=pictures,
            output_folder=folder,
        )
        environment = made_from.environment
        try:
            run_worker(
                call,
                python=environment.python,
                variables=computing(environment.description.variables),
                what=f"asking {self.job.name} in {self.job.source.title}",
                folder=folder,
                limits=run.limits,
                stop=self.stop,
            )
        except WorkerError as error:
            return Answer(None, reason=without_log(str(error)))
        outputs = read_npz(folder / "outputs.npz")
        # The names of the batches are in their order.
        return Answer(np.concatenate([outputs[name] for name in sorted(outputs)]))


def asking_too(source: SourceModel, ask: Ask) -> Ask:
    """``ask``, which also knows the source."""

    def ask_all(participants: Sequence[Participant], inputs: Path, folder: Path) -> Mapping[str, Answer]:
        others = [one for one in participants if one != source.participant]
        answers = dict(ask(others, inputs, folder)) if others else {}
        if len(others) < len(participants):
            answers[source.participant.name] = source.answer(inputs, folder / "source")
        return answers

    return ask_all


def require_sources(titles: Sequence[str], sources: Mapping[str, SourceModel]) -> None:
    """Raise UsageError where it is not known how to ask the source of a model."""
    if not all(title in sources for title in titles):
        raise UsageError(
            "--against-source needs the pipeline file, which says where the weights are: "
            "python -m pipeline evaluate pipeline.yaml --against-source, with --only for single models"
        )
