"""A small job of real parts, which is disturbed and then run to its end.

Its models are an ONNX file and, where that is asked for, a network of a framework, at three opsets each.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import psutil
from onnx import numpy_helper, parser

from tests.commands import ROOT
from tests.publishing.zoos import bytes_of

FILE = """\
publish: zoo
opsets: [3, 7, 12]
models:
  - {source: onnx, model: ./own.onnx, name: own}
"""
OF_TORCHVISION = "  - {source: torchvision, model: squeezenet1_1, weights: {random: 0}}\n"
OWN = """
<ir_version: 7, opset_import: ["": 12]>
own (float[batch, 3, 32, 32] input) => (float[batch, 10] logits) {
  convolved = Conv <kernel_shape = [3, 3]> (input, kernel)
  active = Relu (convolved)
  pooled = GlobalAveragePool (active)
  flat = Flatten <axis = 1> (pooled)
  logits = Gemm <transB = 1> (flat, matrix, bias)
}"""
END_SECONDS = 5.0
"""In which a run ends that is asked to."""
PATIENCE = 240.0
"""Seconds after which a run hangs."""


@dataclass(frozen=True)
class Ended:
    """A run that has ended."""

    code: int
    """The exit code, negative where a signal ended it."""
    said: str
    seconds: float


@dataclass(frozen=True)
class Framework:
    """A framework of which the job has a network, too."""

    entry: str
    """That of the network in the pipeline file."""
    folder: Path | None = None
    """Where it lies with a cache folder of its own, ``cache``; else its environment is this machine's."""
    start: tuple[str, ...] = ("-m", "pipeline")
    """What Python is started with for a command."""


class Job:
    """The job, in a folder of its own."""

    def __init__(self, folder: Path, framework: Framework | None = None) -> None:
        """An ONNX file is in it, and a network of ``framework``, if any."""
        self.folder, self.zoo, self._scratch = folder, folder / "zoo", folder / "scratch"
        self.framework = framework or Framework("")
        folder.mkdir(parents=True, exist_ok=True)
        self.clear()

    def clear(self) -> None:
        """Bring the folder to where nothing was ever run in it."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._scratch.mkdir()
        (self.folder / "pipeline.yaml").write_text(FILE + self.framework.entry)
        model, generator = parser.parse_model(OWN), np.random.default_rng(0)
        for name, shape in (("kernel", (8, 3, 3, 3)), ("matrix", (10, 8)), ("bias", (10,))):
            weight = generator.standard_normal(shape, dtype=np.float32)
            model.graph.initializer.append(numpy_helper.from_array(weight, name))
        onnx.save(model, self.folder / "own.onnx")

    @contextmanager
    def started(self, *before: str, options: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
        """A run of ``pipeline.yaml`` with ``options``; ``before`` is a command that starts it, if any."""
        with (self.folder / "said.txt").open("w+") as output:
            process = subprocess.Popen(
                [*before, sys.executable, *self.framework.start, "run", "pipeline.yaml", *options],
                cwd=self.folder,
                env={**os.environ, **self._variables()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def _variables(self) -> dict[str, str]:
        ours = {"PYTHONPATH": str(ROOT), "TMPDIR": str(self._scratch)}
        place = self.framework.folder
        return ours | ({"XDG_CACHE_HOME": str(place / "cache")} if place else {})

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        """What became of a run, once it ends."""
        begun = time.monotonic()
        code = process.wait(PATIENCE)
        return Ended(code, (self.folder / "said.txt").read_text(), time.monotonic() - begun)

    def run(self, *before: str, options: Sequence[str] = ()) -> Ended:
        """Run it to its end."""
        with self.started(*before, options=options) as process:
            return self.ended(process)

    def names(self) -> set[str]:
        """All files and folders that are there, scratch and hidden ones too."""
        found = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*")}
        return found - {"said.txt"}

    def records(self) -> dict[str, int]:
        """The records of what is published, with the times at which they were written."""
        return {path.name: path.stat().st_mtime_ns for path in self.zoo.rglob("*.record.json")}

    def made(self) -> set[tuple[str, str]]:
        """The models whose inputs or export lie whole in the work folder, for a run to take up."""
        work = self.folder / "work"
        places = [path.relative_to(work).parts for path in work.rglob("done.json")]
        return {("/".join(parts[:2]), parts[2].partition("-")[0]) for parts in places}

    def processes(self) -> list[psutil.Process]:
        """The processes that work for a run of this job."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("TMPDIR") == str(self._scratch):
                    found.append(process)
        return found


@dataclass(frozen=True)
class Undisturbed:
    """What the job makes where nothing breaks."""

    zoo: dict[str, bytes]
    names: set[str]
    seconds: float

    @property
    def units(self) -> int:
        """The number of units that are published."""
        return sum(path.endswith(".record.json") for path in self.zoo)


def undisturbed(job: Job) -> Undisturbed:
    """Run a job to its end, verify and keep what it made, and clear its folder."""
    ended = job.run()
    assert ended.code == 0, ended.said
    verify = [sys.executable, "-m", "pipeline", "verify", str(job.zoo)]
    subprocess.run(verify, cwd=ROOT, check=True, capture_output=True)
    kept = Undisturbed(bytes_of(job.zoo), job.names(), ended.seconds)
    job.clear()
    return kept


def moment(generator: random.Random, wanted: Undisturbed) -> float:
    """A moment of a run, in seconds from its start; the first half second is nothing but imports."""
    return generator.uniform(0.5, wanted.seconds)


def problems(job: Job, wanted: Undisturbed, *, kept: bool = True) -> list[str]:
    """Run a job that was disturbed to its end; what is not then as it has to be, in lines.

    What lay whole in the work folder has to be taken up, if it was ``kept`` as it was.
    """
    before, made = job.records(), job.made() if kept else set()
    ended = job.run()
    found = [f"the next run ended with exit code {ended.code}: {ended.said}"] if ended.code else []
    found += ["a traceback"] if "Traceback" in ended.said else []
    now, zoo = job.records(), bytes_of(job.zoo)
    found += [f"{name} was published twice" for name, when in before.items() if now.get(name) != when]
    found += [f"{path} is another" for path in wanted.zoo if zoo.get(path) != wanted.zoo[path]]
    found += [f"{path} is left over" for path in sorted(job.names() - wanted.names)]
    found += [
        f"{model}: {stage} was made twice"
        for model, stage in sorted(made)
        if f"{model}: {stage}: " in ended.said and f"{model}: {stage}: done before" not in ended.said
    ]
    found += [f"process {process.pid} is left over" for process in job.processes()]
    return found
