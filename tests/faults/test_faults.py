"""Each fault once, at a moment that a seed says: what `python -m tests.faults` does a hundred times.

Unlike the tests that cut publishing event by event, these find what no list of events has: a moment in which
a worker, a lock or a file of any stage is lost.
"""

from __future__ import annotations

import random
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.faults.faults import FAULTS, ON_A_DISK_OF_ITS_OWN
from tests.faults.job import Job, Undisturbed, problems, undisturbed
from tests.pipeline.disks import mounted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What the job makes where nothing breaks."""
    return undisturbed(Job(tmp_path_factory.mktemp("undisturbed")))


@pytest.mark.parametrize("name", FAULTS)
def test_the_next_run_makes_what_was_to_be_made(name: str, wanted: Undisturbed, tmp_path: Path) -> None:
    if "clock" in name and not shutil.which("faketime"):
        pytest.skip("NOT TESTED: another day. Install Debian's package faketime; CI has it.")
    with mounted(tmp_path, 1024) if name in ON_A_DISK_OF_ITS_OWN else nullcontext():
        job = Job(tmp_path)
        outcome = FAULTS[name](job, random.Random(0), wanted)  # noqa: S311 - no secret
        assert outcome.wrong == []
        assert problems(job, wanted, kept=outcome.kept) == []
