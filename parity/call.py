"""The call of a runtime's worker, described; whoever runs it sets the limits and reads the answer here."""

from __future__ import annotations

import json
import sys
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from parity.errors import ParityError
from parity.runtimes.interface import AnyArray
from parity.runtimes.registry import RUNTIMES

Outcome = Literal["ran", "unsupported", "missing", "invalid", "crashed", "timed out"]
Ending = Literal["exited", "crashed", "timed out"]

STARTER = Path(__file__).absolute().parent / "start_worker.py"
"""The script that every call runs."""


@dataclass(frozen=True)
class Run:
    """What became of one model in one runtime.

    ``unsupported`` means that the runtime said so itself; ``missing``, that there is no runtime to ask,
    because its environment cannot be had; ``invalid``, that the file breaks a rule of its own opset;
    ``crashed``, that it raised anything else or took its process down. ``outputs`` are float32
    (N, classes), one per data set; empty unless it ran. Where the call has ``data_sets``, they are all
    outputs, under ``<data set>/<position>``, float16 as float32 and others as they are.
    """

    outcome: Outcome
    reason: str
    version: str
    seconds: float
    outputs: Mapping[str, AnyArray]

    def of_output(self, position: int) -> dict[str, AnyArray]:
        """What was computed of one output, by data set, where the call has ``data_sets``."""
        ending = f"/{position}"
        return {
            name.removesuffix(ending): array for name, array in self.outputs.items() if name.endswith(ending)
        }


@dataclass(frozen=True)
class RuntimeCall:
    """One runtime on the same inputs for several models, in a process of its own.

    ``models`` are files by any keys; ``inputs`` is the .npz file of the data sets: its members, where
    ``data_sets`` does not name those of each, in the order of the graph's inputs. ``folder`` is an existing
    folder for the request, the result and the outputs of this call alone. ``python`` is the
    interpreter of the environment that the runtime needs, and ``environment`` the variables that the
    command needs beside those of the caller.
    """

    runtime: str
    models: Mapping[str, Path]
    inputs: Path
    folder: Path
    threads: int = 1
    python: Path = Path(sys.executable)
    environment: Mapping[str, str] = field(default_factory=dict)
    data_sets: Mapping[str, Sequence[str]] | None = None

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def command(self) -> list[str]:
        """The command line, which :meth:`write_request` must precede."""
        return [str(self.python), str(STARTER), str(self.folder / "request.json"), str(self.result)]

    def write_request(self) -> None:
        """Write the file that the command reads.

        Raises:
            ParityError: there is no such runtime.
        """
        if self.runtime not in RUNTIMES:
            raise ParityError(f"runtime {self.runtime!r} is unknown; there are {', '.join(RUNTIMES)}")
        request = {
            "runtime": self.runtime,
            "threads": self.threads,
            "inputs": str(self.inputs.absolute()),
            "data_sets": self.data_sets and {name: list(each) for name, each in self.data_sets.items()},
            "models": {key: str(model.absolute()) for key, model in self.models.items()},
            "output_folder": str(self.folder.absolute()),
        }
        (self.folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        self.result.unlink(missing_ok=True)

    def without(self, runs: Mapping[str, Run], folder: Path) -> RuntimeCall:
        """Describe the call for the models that have no run yet, in another ``folder``."""
        models = {key: model for key, model in self.models.items() if key not in runs}
        return replace(self, models=models, folder=folder)


def read_runs(call: RuntimeCall, ending: Ending = "exited", detail: str = "") -> dict[str, Run]:
    """Read what a worker left behind, after it ended in any way.

    ``ending`` says how: by itself, with a crash (signal or exit code, memory limit) or stopped at
    its time limit; ``detail`` is put into the reason of the model that was running then. Models
    that were not reached are missing from the answer; where the worker did not reach any, all of
    them get the ending, so that a caller that starts the rest again always comes to an end.
    """
    result = _read_result(call.result)
    version = str(result.get("version", ""))
    runs = {key: _run(answer, version) for key, answer in result.get("models", {}).items()}
    ended: Outcome = "timed out" if ending == "timed out" else "crashed"
    running = result.get("running")
    if running is not None:
        runs[running] = Run(ended, detail or f"the runtime's process {ended}", version, 0.0, {})
    elif not runs:
        reason = detail or "the runtime's process ended before its first model"
        runs = {key: Run(ended, reason, version, 0.0, {}) for key in call.models}
    return runs


def missing_runs(models: Iterable[str], reason: str) -> dict[str, Run]:
    """The runs of ``models`` in a runtime that cannot be asked, for ``reason``."""
    return {key: Run("missing", reason, "", 0.0, {}) for key in models}


def read_running(call: RuntimeCall) -> str | None:
    """Return the key of the model that a worker was at when it ended; None where it was at none."""
    running: str | None = _read_result(call.result).get("running")
    return running


def _read_result(file: Path) -> dict[str, Any]:
    """What a worker has told so far: nothing where there is no file, or something else in it."""
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}


def _run(answer: Mapping[str, Any], version: str) -> Run:
    outputs: dict[str, AnyArray] = {}
    if answer["outputs"] is not None:
        try:
            with np.load(answer["outputs"], allow_pickle=False) as archive:
                outputs = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            return Run(
                "crashed", f"what the runtime's process wrote cannot be read: {error}", version, 0.0, {}
            )
    return Run(answer["outcome"], answer["reason"], version, float(answer["seconds"]), outputs)
