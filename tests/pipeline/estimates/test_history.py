"""What runs note of their models: kept, bounded, and of no harm when it is broken."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.estimates.history import history_file, note, read_history

NEVER = threading.Event()
pytestmark = pytest.mark.usefixtures("own_cache")


def test_what_is_noted_is_read_again() -> None:
    note({"timm/vgg16": {"bytes": 5, "seconds": {"export": 2.0, "unit": 1.0}}, "timm/vgg16@7": {}}, NEVER)
    history = read_history()
    assert history["timm/vgg16"]["seconds"] == {"export": 2.0, "unit": 1.0}
    assert history["timm/vgg16@7"]["when"].startswith("2")


def test_a_stage_that_was_not_done_again_keeps_its_seconds() -> None:
    note({"timm/vgg16": {"bytes": 5, "seconds": {"export": 2.0, "unit": 1.0}}}, NEVER)
    note({"timm/vgg16": {"seconds": {"unit": 3.0}}}, NEVER)
    entry = read_history()["timm/vgg16"]
    assert (entry["bytes"], entry["seconds"]) == (5, {"export": 2.0, "unit": 3.0})


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"a": 1, "b": {"when": 5}, "c": {}}', "\0\0"])
def test_a_broken_file_is_no_history_and_is_replaced(content: str) -> None:
    history_file().parent.mkdir(parents=True)
    history_file().write_text(content)
    assert read_history() == {}
    note({"timm/vgg16": {}}, NEVER)
    assert list(read_history()) == ["timm/vgg16"]


def test_a_cache_folder_that_cannot_be_written_costs_nothing(own_cache: Path) -> None:
    own_cache.write_text("in the way")
    note({"timm/vgg16": {}}, NEVER)
    assert read_history() == {}


def test_the_oldest_make_room() -> None:
    old = {f"timm/model{number}": {"when": f"2020-01-01T{number:06}"} for number in range(5000)}
    history_file().parent.mkdir(parents=True)
    history_file().write_text(json.dumps(old))
    note({"timm/new": {}, "timm/model0": {}}, NEVER)
    history = read_history()
    assert len(history) == 5000
    assert {"timm/new", "timm/model0"} <= set(history)
    assert "timm/model1" not in history


def test_runs_side_by_side_lose_nothing() -> None:
    code = (
        "import sys, threading; from pipeline.estimates.history import note\n"
        "for number in range(10): note({f'{sys.argv[1]}/{number}': {}}, threading.Event())"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("a", "b")]
    assert [run.wait() for run in runs] == [0, 0]
    assert len(read_history()) == 20
