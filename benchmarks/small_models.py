"""Small networks of timm at ten opsets: seconds of each, with one and two at a time, and on a cluster.

``python -m benchmarks.small_models [COUNT]``: 100 networks, or so many, of fewer than 6 million parameters,
one of each family after the other, with random weights. It needs the environment of timm, the ``cluster``
extra and two processors; with 100, an hour. The cluster is a scheduler of dask and two workers of one thread
on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from benchmarks.jobs import write_job_of_timm
from benchmarks.promises import Figure, print_and_leave
from benchmarks.start_up import PIPELINE, seconds
from converters.catalogue import read_catalogue
from converters.registry import SOURCES

COUNT = 100
MOST_PARAMETERS = 6_000_000
SECONDS, SPEED_UP, OVERHEAD = 6.0, 1.7, 1.1
ADDRESS_SECONDS = 60


def names(count: int) -> list[str]:
    """``count`` small networks of as many families as there are; none differs in its weights alone."""
    families = defaultdict(list)
    for name, listed in sorted(read_catalogue(SOURCES["timm"]).items()):
        small = listed.parameters is not None and listed.parameters < MOST_PARAMETERS
        if small and "." not in name:
            families[listed.family].append(name)
    rounds = zip_longest(*families.values())
    return [name for some in rounds for name in some if name][:count]


def run_seconds(models: Sequence[str], *options: str) -> float:
    """Wall seconds of a run of ``models`` with ``options``, in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_job_of_timm(Path(folder), models)
        return seconds((*PIPELINE, "run", file.name, *options), Path(folder))


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers of one thread."""
    with tempfile.TemporaryDirectory() as folder:
        about = Path(folder, "scheduler.json")
        file = ("--scheduler-file", str(about), "--host", "127.0.0.1", "--no-dashboard")
        lines = [("scheduler", *file, "--port", "0")]
        lines += [
            ("worker", *file, "--nthreads", "1", "--no-nanny", "--local-directory", f"{folder}/{number}")
            for number in range(workers)
        ]
        processes = []
        try:
            for line in lines:
                command = [sys.executable, "-m", "dask", *line]
                quiet = subprocess.DEVNULL
                processes.append(subprocess.Popen(command, stdout=quiet, stderr=quiet, env=os.environ))
                _wait_for(about)
            yield str(json.loads(about.read_text())["address"])
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait()


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + ADDRESS_SECONDS
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{file} is not there")
        time.sleep(0.1)


def measure(count: int = COUNT) -> list[Figure]:
    """Seconds of a model, one and two at a time and on a cluster of two workers."""
    models = names(count)
    one, two = (run_seconds(models, "--jobs", str(jobs)) for jobs in (1, 2))
    with cluster(2) as address:
        far = run_seconds(models, "--cluster", address)
    return [
        Figure(f"a model of {count}, --jobs 1", one / count, "s"),
        Figure(f"a model of {count}, --jobs 2", two / count, "s", at_most=SECONDS),
        Figure("--jobs 1 of --jobs 2", one / two, at_least=SPEED_UP),
        Figure("a cluster of two workers of --jobs 2", far / two, at_most=OVERHEAD),
    ]


if __name__ == "__main__":
    print_and_leave(measure(*map(int, sys.argv[1:])))
