"""``run --cluster``: a real scheduler of dask, and real workers on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from pipeline.commands.cluster_task import run_task, stop_run
from pipeline.planning.selection import Selection
from pipeline.running.cluster import ClusterCall, run_on_cluster
from pipeline.terminal.progress import PlainProgress
from tests.pipeline.fake_source import ROOT, FakeSource
from tests.publishing.zoos import bytes_of

pytestmark = pytest.mark.slow
MODELS = ("net", "other", "third")
PATIENCE_SECONDS = 60
SILENT_SECONDS = 5
"""After so many of them the scheduler gives a worker up; dask's own default is five minutes."""
PRELOAD = """\
from pathlib import Path
from tests.tiny_source import register
register(Path({folder!r}))
"""


class Cluster:
    """A scheduler, and workers that know of the source without a framework."""

    def __init__(self, tiny: FakeSource, folder: Path) -> None:
        self._tiny, self._folder = tiny, folder
        self._processes: list[subprocess.Popen[bytes]] = []
        folder.mkdir()
        (folder / "preload.py").write_text(PRELOAD.format(folder=str(tiny.source.folder)))
        self._about = folder / "scheduler.json"
        own = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self._about))
        self._start("dask", "scheduler", *own)
        _until(self._about.exists)
        self.address = str(json.loads(self._about.read_text())["address"])

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{len(self._processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{SILENT_SECONDS}s",
                },
            )
        self._processes.append(process)
        return process

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker of one thread; it is there when this returns."""
        before = self._joined()
        process = self._start(
            *("dask", "worker", "--scheduler-file", str(self._about), "--nthreads", "1", "--no-nanny"),
            *("--host", "127.0.0.1", "--no-dashboard", "--preload", str(self._folder / "preload.py")),
            *("--local-directory", str(self._folder / f"worker-{len(self._processes)}"), *options),
        )
        _until(lambda: self._joined() > before)
        return process

    def _joined(self) -> int:
        log = (self._folder / "0.log").read_text()
        return log.count("Register worker")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._tiny.command("run", "pipeline.yaml", "--cluster", self.address, *arguments)

    def end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since
                        child.kill()
            process.kill()
            process.wait()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def cluster(tiny: FakeSource, tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    made = Cluster(tiny, tmp_path / "cluster")
    yield made
    made.end()


def _local(tiny: FakeSource) -> dict[str, bytes]:
    """The zoo that one machine makes."""
    answer = tiny.command("run", "pipeline.yaml", "--publish", "local")
    assert answer.returncode == 0, answer.stderr
    return bytes_of(tiny.folder / "local")


def test_a_cluster_makes_the_zoo_of_one_machine_and_tells_of_it(tiny: FakeSource, cluster: Cluster) -> None:
    tiny.write(*MODELS, opsets="7, 12")
    for _ in range(3):
        cluster.worker()
    answer = cluster.run()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    for model in MODELS:
        assert f"tiny/{model}: export: " in answer.stderr
        assert f"tiny/{model}@7 published" in " ".join(answer.stdout.split())
    assert bytes_of(tiny.folder / "dist") == _local(tiny)
    assert "all 6 units are published" in cluster.run().stderr


def test_a_worker_that_dies_or_falls_silent_costs_no_model_and_one_that_joins_helps(
    tiny: FakeSource, cluster: Cluster
) -> None:
    tiny.write("net", "slow", "other", "third", more="limits: {seconds: 8}")
    killed, silent = cluster.worker(), cluster.worker()
    running = tiny.start("run", "pipeline.yaml", "--cluster", cluster.address)
    assert running.stderr is not None
    begun = time.monotonic()
    lines = []
    for line in running.stderr:
        lines.append(line)
        if ": inputs: " in line:
            break
    assert time.monotonic() - begun < PATIENCE_SECONDS, lines
    killed.kill()
    silent.send_signal(signal.SIGSTOP)
    cluster.worker()
    output, errors = running.communicate()
    silent.send_signal(signal.SIGCONT)
    assert running.returncode == 1, output + errors
    assert "is gone" in errors
    rows = [line.split() for line in output.splitlines() if "@12  " in line]
    verdicts = {name: verdict for name, verdict, *_ in rows}
    assert verdicts == {
        "tiny/net@12": "published",
        "tiny/slow@12": "failed",
        "tiny/other@12": "published",
        "tiny/third@12": "published",
    }
    assert "8 s" in output
    cluster_made = bytes_of(tiny.folder / "dist")
    tiny.write("net", "other", "third", more="limits: {seconds: 8}")
    assert cluster_made == _local(tiny)


def test_a_model_goes_to_a_worker_with_memory_for_it(tiny: FakeSource, cluster: Cluster) -> None:
    tiny.write(*MODELS)
    cluster.worker("--resources", "memory=1e6")
    alone = cluster.run()
    assert alone.returncode == 1
    assert "has the memory for these, the most is 1 MB:" in alone.stderr
    assert "tiny/net: about 1.1 GB" in alone.stderr
    assert not tiny.published
    cluster.worker("--resources", "memory=8e9")
    assert cluster.run().returncode == 0
    assert tiny.published == [f"{model}-12.onnx" for model in MODELS]


def test_a_worker_that_would_make_something_else_says_what_differs(
    tiny: FakeSource, cluster: Cluster
) -> None:
    """As where its files or packages are others; here its file has changed since the plan was made."""
    plan = tiny.plan("net", more="batch: 4")
    file = tiny.write("net", more="batch: 5")
    cluster.worker()
    selection = Selection(publish=str(tiny.folder / "dist"))
    call = ClusterCall(cluster.address, file, selection, run_task, stop_run)
    [result] = run_on_cluster(
        call, plan.jobs, lambda results: results, PlainProgress(Console(stderr=True)), threading.Event()
    )
    assert result.status == "failed"
    assert "it would be made of something else there: batch (it was 4, and is 5)" in result.reason


def test_what_is_not_there_is_told(tiny: FakeSource, cluster: Cluster) -> None:
    tiny.write("net")
    nobody = tiny.command("run", "pipeline.yaml", "--cluster", "tcp://127.0.0.1:9")
    assert nobody.returncode == 1
    assert "error: no scheduler answers at tcp://127.0.0.1:9: " in nobody.stderr
    idle = cluster.run()
    assert idle.returncode == 1
    assert f"has no workers. Start some, with `dask worker {cluster.address} --nthreads 1`" in idle.stderr
    assert cluster.run("--jobs", "2").returncode == 2


def test_an_interrupted_run_ends_and_the_next_goes_on(tiny: FakeSource, cluster: Cluster) -> None:
    tiny.write("net", "slow")
    cluster.worker()
    cluster.worker()
    running = tiny.start("run", "pipeline.yaml", "--cluster", cluster.address)
    assert running.stderr is not None
    next(line for line in running.stderr if "tiny/slow: inputs: " in line)
    _until(lambda: tiny.published == ["net-12.onnx"])
    begun = time.monotonic()
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert running.returncode == 130
    assert time.monotonic() - begun < 10
    again = cluster.run("--only", "tiny/net")
    assert "all 1 units are published" in again.stderr
