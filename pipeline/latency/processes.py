"""The processes that are timed: a runtime with a file, and a framework with a network of its own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.interface import NetworkOptions, Source, latency_call
from pipeline.environments.building import Environment
from pipeline.system.files import read_json, write_json
from pipeline.workers.processes import GIBIBYTE, Command, Limits, run_process
from pipeline.workers.sources import run_worker, worker_environment

_ROOM = Path(__file__).parents[2] / "latency"
_TIMED_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Settings:
    """What is the same for all that is compared."""

    batches: tuple[int, ...]
    threads: int
    processors: tuple[int, ...]
    rounds: int


@dataclass(frozen=True)
class Origin:
    """The network that a file was made from, as the export script is asked for it."""

    source: Source
    environment: Environment
    model: str
    options: NetworkOptions
    weights: Mapping[str, Any]
    reparameterise: bool
    has_own_weights: bool = True
    """False where random weights stand for those that the file was made with."""


def _variables(settings: Settings) -> dict[str, str]:
    return {name: str(settings.threads) for name in _TIMED_VARIABLES}


def _limits() -> Limits:
    """Seldom looked at: what looks computes on the same processors."""
    return Limits(seconds=3600, memory=24 * GIBIBYTE, look_seconds=1.0)


@dataclass(frozen=True)
class RuntimeProcess:
    """The process of a runtime, as :class:`Participant` calls it."""

    name: str
    model: Path
    input_type: str
    """``float32`` or ``float16``, in which the model takes its pictures."""
    inputs: Path
    settings: Settings
    folder: Path
    ending: threading.Event

    def __call__(self, turns: Path, answers: Path) -> Mapping[str, Any]:
        request = {
            "runtime": self.name,
            "model": str(self.model.absolute()),
            "input_type": self.input_type,
            "inputs": str(self.inputs.absolute()),
            "threads": self.settings.threads,
            "processors": list(self.settings.processors),
            "outputs": str((self.folder / "outputs.npz").absolute()),
            "turns": str(turns),
            "answers": str(answers),
        }
        write_json(self.folder / "request.json", request)
        result = self.folder / "result.json"
        command = Command(
            [sys.executable, str(_ROOM / "worker.py"), str(self.folder / "request.json"), str(result)],
            worker_environment(_variables(self.settings), as_users_have_it=True),
            self.folder,
        )
        log = self.folder / "worker.log"
        run_process(command, what=f"timing {self.name}", log=log, limits=_limits(), stop=self.ending)
        answer = read_json(result)
        return answer if isinstance(answer, dict) else {"error": "it ended without a result"}


@dataclass(frozen=True)
class SourceProcess:
    """The process of a source framework, as :class:`Participant` calls it."""

    origin: Origin
    inputs: Path
    settings: Settings
    folder: Path
    ending: threading.Event

    def __call__(self, turns: Path, answers: Path) -> Mapping[str, Any]:
        origin = self.origin
        call = latency_call(
            origin.source,
            model=origin.model,
            options=origin.options,
            weights=origin.weights,
            reparameterise=origin.reparameterise,
            inputs=self.inputs.absolute(),
            conversation={
                "threads": self.settings.threads,
                "processors": list(self.settings.processors),
                "turns": str(turns),
                "answers": str(answers),
                "modules": str(_ROOM / "shared"),
            },
        )
        return run_worker(
            call,
            python=origin.environment.python,
            variables={**origin.environment.description.variables, **_variables(self.settings)},
            what=f"timing {origin.source.title}",
            folder=self.folder / "work",
            limits=_limits(),
            stop=self.ending,
            as_users_have_it=True,
        )
