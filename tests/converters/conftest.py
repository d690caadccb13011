"""Runs export scripts for real, in the environments that a user's run would build."""

from __future__ import annotations

import importlib
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
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker

NEVER = threading.Event()
Arrays = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Exported:
    """What an export script made."""

    model: Path
    inputs: Arrays
    outputs: Arrays
    answer: dict[str, Any]


Export = Callable[..., Exported]


def environment_of(source: str) -> building.Environment:
    """The environment of a source, built as a run would build it."""
    return building.ensure(SOURCES[source], stop=NEVER, say=print)


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
        environment = environment_of(source)
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
            python=environment.python,
            variables={"OMP_NUM_THREADS": "2", **environment.description.variables},
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
def run_in(tmp_path: Path) -> Callable[[str, str], None]:
    """Run a few lines of Python with a framework, to make the checkpoints that a test needs."""
    import subprocess

    def run(source: str, code: str) -> None:
        environment = environment_of(source)
        command = [str(environment.python), "-W", "ignore", "-c", code]
        answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr

    return run
