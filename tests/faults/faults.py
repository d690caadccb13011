"""What may happen to a run: each takes a new job, leaves it disturbed and tells what was wrong meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.faults.job import END_SECONDS, Ended, Framework, Job, Undisturbed, moment, problems, undisturbed
from tests.faults.store import unreliable
from tests.faults.workers import behave, copied, damage_environment, get_hungry, moody, write_rubbish
from tests.pipeline.disks import mounted
from tests.publishing.buckets import s3_bucket
from tests.publishing.remote_places import content_of_place

SPARE_BYTES = 2 << 20
"""What a disk that is filling up has left at most."""


@dataclass(frozen=True)
class Outcome:
    """What a fault did to a run."""

    wrong: list[str]
    seconds: float | None = None
    """From a signal to the end of the run."""
    kept: bool = True
    """Whether what lay whole in the work folder still does."""


Fault = Callable[[Job, random.Random, Undisturbed], Outcome]


def _wait(process: subprocess.Popen[str], seconds: float) -> None:
    """Wait so long, or until a run has ended before."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _broken_off(job: Job, number: int, seconds: float) -> Ended:
    """What became of a run that got a signal so many seconds after its start."""
    with job.started() as process:
        _wait(process, seconds)
        process.send_signal(number)
        return job.ended(process)


def killed(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
    """SIGKILL."""
    _broken_off(job, signal.SIGKILL, moment(generator, wanted))
    return Outcome([])


def _told_to_end(number: int) -> Fault:
    def fault(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
        ended = _broken_off(job, number, moment(generator, wanted))
        wrong = [] if ended.code in (0, 130) else [f"it ended with exit code {ended.code}: {ended.said}"]
        wrong += ["it ended with a traceback"] if "Traceback" in ended.said else []
        wrong += [f"it took {ended.seconds:.1f} s to end"] if ended.seconds > END_SECONDS else []
        return Outcome(wrong, ended.seconds)

    return fault


def worker_killed(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
    """SIGKILL for any one of the processes that the run has started."""
    with job.started() as process:
        _wait(process, moment(generator, wanted))
        with suppress(psutil.Error):
            workers = psutil.Process(process.pid).children(recursive=True)
            if workers:
                generator.choice(workers).kill()
        ended = job.ended(process)
    return Outcome(_ill_told(ended))


def _ill_told(ended: Ended) -> list[str]:
    """A run that something happened to may fail, and says of which unit and why."""
    wrong = [] if ended.code in (0, 1) else [f"it ended with exit code {ended.code}: {ended.said}"]
    return wrong + (["it ended with a traceback"] if "Traceback" in ended.said else [])


def _damaged(damage: Callable[[Path, random.Random], None]) -> Fault:
    def fault(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
        """Broken off while there is unfinished work, one file of which is then damaged."""
        files: list[Path] = []
        while not files:
            job.clear()
            _broken_off(job, signal.SIGKILL, moment(generator, wanted))
            files = [
                file for file in (job.folder / "work").rglob("*") if file.is_file() and file.stat().st_size
            ]
        damage(generator.choice(sorted(files)), generator)
        return Outcome([], kept=False)

    return fault


def _cut(file: Path, generator: random.Random) -> None:
    os.truncate(file, generator.randrange(file.stat().st_size))


def _flip(file: Path, generator: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    file.write_bytes(content)


def clock_set_back(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
    """Broken off, and run to its end when it is three days earlier."""
    _broken_off(job, signal.SIGKILL, moment(generator, wanted))
    return Outcome(_ill_told(job.run("faketime", "--exclude-monotonic", "-f", "-3d")))


def two_at_once(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
    """Another run of the same file, which begins while the first is under way."""
    with job.started() as first:
        _wait(first, moment(generator, wanted))
        other = job.run()
        ended = job.ended(first)
    return Outcome([*_ill_told(other), *_ill_told(ended)])


def disk_full(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
    """The job's folder is a file system of its own, in which there is no more room from some moment on."""
    with job.started() as process:
        _wait(process, moment(generator, wanted))
        spare = generator.randrange(SPARE_BYTES)
        while not resize(job.folder, shutil.disk_usage(job.folder).used + spare):
            """More was written in between."""
        ended = job.ended(process)
    assert resize(job.folder, 1 << 30)
    return Outcome(_ill_told(ended))


def store_fails(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
    """A run publishes into a bucket, and the one after it looks at it, where every third call fails."""
    with pytest.MonkeyPatch.context() as patch, s3_bucket(patch) as bucket:
        address = os.environ["AWS_ENDPOINT_URL"]
        with unreliable(address, every=3, first=generator.randrange(3)) as between:
            patch.setenv("AWS_ENDPOINT_URL", between.address)
            ended, again = (job.run(options=("--publish", bucket)) for _ in range(2))
        patch.setenv("AWS_ENDPOINT_URL", address)
        zoo = content_of_place(bucket)
    wrong = [f"it ended with exit code {each.code}: {each.said}" for each in (ended, again) if each.code]
    nothing = f"all {wanted.units} units are published in {bucket} already"
    wrong += ["the run after it published again"] if nothing not in again.said else []
    wrong += ["the bucket has another zoo"] if zoo != wanted.zoo else []
    return Outcome(wrong + (["the store did not fail"] if len(between.refused) <= 10 else []))


def _of_a_framework(go_wrong: Callable[[Path, random.Random], None], said: str, code: int) -> Fault:
    def fault(job: Job, generator: random.Random, wanted: Undisturbed) -> Outcome:
        assert job.framework.folder
        go_wrong(job.framework.folder, generator)
        ended = job.run()
        behave(job.framework.folder)
        wrong = _ill_told(ended)
        if ended.code != code or said not in ended.said:
            wrong.append(f"it was not told as it is: {ended.said}")
        return Outcome(wrong)

    return fault


def resize(folder: Path, size: int) -> bool:
    """Give the file system in memory that is mounted at ``folder`` so many bytes, unless it holds more."""
    command = [str(shutil.which("mount")), "-o", f"remount,size={size}", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


FAULTS: dict[str, Fault] = {
    "SIGKILL": killed,
    "SIGTERM": _told_to_end(signal.SIGTERM),
    "SIGINT": _told_to_end(signal.SIGINT),
    "a worker killed": worker_killed,
    "a work file cut": _damaged(_cut),
    "a bit of a work file flipped": _damaged(_flip),
    "the disk full": disk_full,
    "the clock set back": clock_set_back,
    "two runs at once": two_at_once,
    "a store fails every third call": store_fails,
    "a worker eats memory": _of_a_framework(get_hungry, "grew past its memory limit of 1 GiB", 1),
    "a worker writes rubbish": _of_a_framework(write_rubbish, "tiny/net", 1),
    "an environment damaged": _of_a_framework(damage_environment, "which is damaged: ", 0),
}
"""By the names that docs/reliability.md has."""
ON_A_DISK_OF_ITS_OWN = {"the disk full"}
OF_A_WORKER = {"a worker eats memory", "a worker writes rubbish"}
OF_AN_ENVIRONMENT = {"an environment damaged"}
"""This one needs torchvision, and builds its environment anew from the package index."""


def disturbed(
    name: str, folder: Path, generator: random.Random, wanted: Undisturbed, framework: Framework | None = None
) -> tuple[Outcome, list[str]]:
    """What a fault does to a run in ``folder``, an empty one, and what is wrong after the next run.

    The run is that of ``wanted`` and of ``framework``, but where a worker is to go wrong.
    """
    with (
        mounted(folder, 1024) if name in ON_A_DISK_OF_ITS_OWN else nullcontext(),
        tempfile.TemporaryDirectory() as beside,
    ):
        if name in OF_A_WORKER:
            framework = moody(Path(beside))
        if name in OF_AN_ENVIRONMENT:
            framework = copied(Path(beside))
        job = Job(folder, framework)
        wanted = undisturbed(job) if name in OF_A_WORKER else wanted
        outcome = FAULTS[name](job, generator, wanted)
        return outcome, problems(job, wanted, kept=outcome.kept)
