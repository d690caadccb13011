"""Who answers to a stride of pictures: files in the runtimes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from parity.call import Run, RuntimeCall
from parity.runtimes.registry import RUNTIMES
from pipeline.evaluations.strides import Answer, Ask, Participant
from pipeline.evaluations.targets import Target
from pipeline.system.files import digest_of
from pipeline.workers.processes import Limits
from pipeline.workers.runtimes import runs_of, without_log

_THREADS = 2
"""Fixed, not taken from the machine: sums in another order have other last bits."""


def participant_of(target: Target) -> Participant:
    """A file in its runtime."""
    return Participant(
        target.name, digest_of([target.sha256, target.runtime, RUNTIMES[target.runtime].version()])
    )


def asking(targets: Sequence[Target], limits: Limits, stop: threading.Event) -> Ask:
    """What asks files in their runtimes: all those of one runtime in one process."""
    by_name = {target.name: target for target in targets}

    def ask(participants: Sequence[Participant], inputs: Path, folder: Path) -> Mapping[str, Answer]:
        answers: dict[str, Answer] = {}
        asked = [by_name[one.name] for one in participants]
        for runtime in dict.fromkeys(target.runtime for target in asked):
            models = {target.name: target.model for target in asked if target.runtime == runtime}
            call = RuntimeCall(runtime, models, inputs, folder / runtime, _THREADS)
            runs = runs_of(call, limits, stop)
            answers |= {name: _answer(run) for name, run in runs.items()}
        return answers

    return ask


def _answer(run: Run) -> Answer:
    if run.outcome != "ran":
        return Answer(None, run.version, f"{run.outcome}: {without_log(run.reason)}")
    # The names of the batches are in their order.
    rows = [run.outputs[name].reshape(len(run.outputs[name]), -1) for name in sorted(run.outputs)]
    return Answer(np.concatenate(rows), run.version)
