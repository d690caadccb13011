"""Each fault once, at a moment that a seed says: what `python -m tests.faults` does a hundred times.

Unlike the tests that cut publishing event by event, these find what no list of events has: a moment in which
a worker, a lock or a file of any stage is lost. A damaged environment is in
tests/pipeline/environments/test_building.py.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.faults import __main__
from tests.faults.__main__ import Row
from tests.faults.faults import FAULTS, OF_AN_ENVIRONMENT, disturbed
from tests.faults.job import Job, Undisturbed, undisturbed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What the job makes where nothing breaks."""
    return undisturbed(Job(tmp_path_factory.mktemp("undisturbed")))


@pytest.mark.parametrize("name", sorted(FAULTS.keys() - OF_AN_ENVIRONMENT))
def test_the_next_run_makes_what_was_to_be_made(name: str, wanted: Undisturbed, tmp_path: Path) -> None:
    if "clock" in name and not shutil.which("faketime"):
        pytest.skip("NOT TESTED: another day. Install Debian's package faketime; CI has it.")
    outcome, left = disturbed(name, tmp_path, random.Random(0), wanted)  # noqa: S311 - no secret
    assert outcome.wrong == []
    assert left == []


def test_what_the_page_says_of_other_faults_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "reliability.md"
    page.write_text(
        "| What happens | Times |\n|---|---:|\n| SIGKILL | 7 | 7 |  |\n| SIGINT | 3 | 2 | 1.0 s |\n"
    )
    monkeypatch.setattr(__main__, "DOCUMENT", page)
    assert __main__.written() == {"SIGKILL": str(Row(7)), "SIGINT": str(Row(3, {1: ["a traceback"]}, [1.0]))}
