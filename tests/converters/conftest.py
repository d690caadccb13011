"""Runs export scripts for real, in the environments that a user's run would build."""

from __future__ import annotations

import importlib
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
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
from pipeline.workers.sources import run_worker, worker_environment
from tests.converters import forking

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
RunIn = Callable[..., None]


def environment_of(source: str) -> building.Environment:
    """The environment of a source, built as a run would build it."""
    return building.ensure(SOURCES[source], stop=NEVER, say=print)


class Started:
    """The frameworks that are started, each in a process that runs scripts in forks of itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: dict[str, tuple[subprocess.Popen[bytes], dict[str, str], Path]] = {}

    def python(self, source: str, variables: Mapping[str, str]) -> Path:
        """What runs a script as the interpreter of a source would, and is spared the framework's start.

        Frameworks read variables when they are imported: where these are others, the start is another one.
        """
        needed = worker_environment({**variables, "PYTHONPATH": str(WORKER_MODULES)})
        needed.pop("PYTEST_CURRENT_TEST", None)
        process, given, client = self._processes.get(source, (None, None, None))
        if client and process and process.poll() is None and given == needed:
            return client
        self._end(source)
        process, client = self._start(source, needed)
        self._processes[source] = process, needed, client
        return client

    def _start(self, source: str, variables: dict[str, str]) -> tuple[subprocess.Popen[bytes], Path]:
        address, client = self.folder / f"{source}.socket", self.folder / source
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(address))
            listening.listen()
            process = subprocess.Popen(
                [
                    environment_of(source).python,
                    forking.__file__,
                    SOURCES[source].folder,
                    str(listening.fileno()),
                ],
                pass_fds=[listening.fileno()],
                env=variables,
            )
        client.write_text(forking.CLIENT.format(python=sys.executable, address=address))
        client.chmod(0o700)
        return process, client

    def _end(self, source: str) -> None:
        if source in self._processes:
            process, _, _ = self._processes.pop(source)
            process.kill()
            process.wait()
            (self.folder / f"{source}.socket").unlink()

    def run(self, source: str, code: str, folder: Path, *, fresh: bool = False) -> None:
        """Run a few lines of Python in ``folder``; ``fresh`` starts the framework for them alone."""
        environment = environment_of(source)
        variables = {"OMP_NUM_THREADS": "2", **environment.description.variables}
        python = environment.python if fresh else self.python(source, variables)
        with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
            script.write("import sys; sys.path.insert(0, '')\n" + code)
            script.flush()
            answer = subprocess.run(
                [str(python), script.name],
                cwd=folder,
                env=worker_environment(variables),
                capture_output=True,
                text=True,
                check=False,
            )
        assert answer.returncode == 0, answer.stderr

    def end(self) -> None:
        """End all of them."""
        for source in list(self._processes):
            self._end(source)


@pytest.fixture(scope="package")
def started() -> Iterator[Started]:
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="started-") as folder:
        frameworks = Started(Path(folder))
        yield frameworks
        frameworks.end()


@pytest.fixture
def export(tmp_path: Path, started: Started) -> Export:
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
        variables = {"OMP_NUM_THREADS": "2", **environment_of(source).description.variables}
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
            python=started.python(source, variables),
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
def run_in(tmp_path: Path, started: Started) -> RunIn:
    """Run a few lines of Python with a framework, to make the checkpoints that a test needs.

    ``fresh`` starts it anew, for lines that change what is read while it is imported, or measure a process.
    """

    def run(source: str, code: str, *, fresh: bool = False) -> None:
        started.run(source, code, tmp_path, fresh=fresh)

    return run
