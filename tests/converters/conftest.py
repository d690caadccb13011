"""Runs export scripts for real, in the environments that a user's run would build."""

from __future__ import annotations

import importlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converters.catalogue import read_catalogue
from converters.interface import AS_IT_IS, WORKER_MODULES, NetworkOptions, export_call
from converters.registry import SOURCES
from evaluation.inputs import fixed_inputs, read_npz, write_npz
from evaluation.preprocessing import Preprocessing
from pipeline.environments import building
from pipeline.workers.processes import Command, Limits, run_process
from pipeline.workers.sources import computing, preloaded_for, run_worker, with_modules, worker_environment

NEVER = threading.Event()
BEFORE = dict(os.environ)
Arrays = dict[str, npt.NDArray[np.float32]]
MOST_RESIDENT = """\
def most_resident():  # the system counts rusage from what the process that started this one had
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
"""
"""For lines of Python: a function that says the most bytes that their process has had in memory."""


@dataclass(frozen=True)
class Exported:
    """What an export script made."""

    model: Path
    inputs: Arrays
    outputs: Arrays
    answer: dict[str, Any]


Export = Callable[..., Exported]
RunIn = Callable[..., None]


def environment_of(source: str) -> building.Environment:
    """The environment of a source, built as a run would build it."""
    return building.ensure(SOURCES[source], stop=NEVER, say=print)


def _changed() -> dict[str, str]:
    """The variables that the test has set: a framework that was started without them does not know them."""
    return {
        name: value
        for name, value in os.environ.items()
        if value != BEFORE.get(name) and name != "PYTEST_CURRENT_TEST"
    }


def run_lines(source: str, code: str, folder: Path, *, fresh: bool = False) -> None:
    """Run a few lines of Python with a framework in ``folder``, as an export script is run.

    ``fresh`` starts it for them alone: lines that change what is read while it is imported, or measure it.
    """
    environment = environment_of(source)
    variables = computing(environment.description.variables)
    ours = with_modules(variables)
    preloaded = preloaded_for(environment.python, SOURCES[source].script, ours)
    with tempfile.TemporaryDirectory() as aside:
        script = Path(aside) / "lines.py"
        script.write_text("import sys; sys.path.insert(0, '')\n" + code)
        run_process(
            Command(
                [str(environment.python), str(script)],
                worker_environment(ours),
                folder,
                None if fresh else preloaded,
            ),
            what="the lines",
            log=Path(aside) / "log",
            limits=Limits(),
            stop=NEVER,
        )


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Export a model with the framework's own preprocessing; the weights are random by default."""

    def run(
        source: str,
        model: str,
        weights: dict[str, Any] | None = None,
        *,
        reparameterise: bool = False,
        options: NetworkOptions = AS_IT_IS,
        **changed: Any,
    ) -> Exported:
        variables = {**computing(environment_of(source).description.variables), **_changed()}
        folder = tmp_path / f"export-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        listed = read_catalogue(SOURCES[source]).get(model)
        own = dict(listed.preprocessing) if listed else {}
        if options.input_size:
            grey = {name: own[name][: options.input_size[0]] for name in ("mean", "std")}
            plain = {"convention": "torchvision", "library": "pillow", "crop_mode": "center"}
            own = own | grey | plain | {"input_size": list(options.input_size)}
        preprocessing = Preprocessing.from_dict(own | changed)
        write_npz(folder / "inputs.npz", fixed_inputs(preprocessing, [], seed=0, batch=3))
        answer = run_worker(
            export_call(
                SOURCES[source],
                model=model,
                options=options,
                weights=weights or {"kind": "random", "seed": 0},
                reparameterise=reparameterise,
                inputs=folder / "inputs.npz",
                output_folder=folder,
                opset=12,
            ),
            python=environment_of(source).python,
            variables=variables,
            what=f"exporting {source}/{model}",
            folder=folder,
            limits=Limits(),
            stop=NEVER,
        )
        outputs = read_npz(folder / "outputs.npz")
        return Exported(folder / "model.onnx", read_npz(folder / "inputs.npz"), outputs, answer)

    return run


@pytest.fixture(scope="module")
def worker_module() -> Iterator[Callable[[str], Any]]:
    """Import a module of the workers that needs no framework, as their scripts do: by path."""
    with pytest.MonkeyPatch.context() as patch:
        for folder in (WORKER_MODULES, *(SOURCES[name].folder for name in ("mmcls", "mxnet", "paddle"))):
            patch.syspath_prepend(str(folder))
        yield importlib.import_module


@pytest.fixture
def run_in(tmp_path: Path) -> RunIn:
    """Run a few lines of Python with a framework, to make the checkpoints that a test needs."""

    def run(source: str, code: str, *, fresh: bool = False) -> None:
        run_lines(source, code, tmp_path, fresh=fresh)

    return run
