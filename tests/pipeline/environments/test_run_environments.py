"""What a run knows of the environments of its sources."""

from __future__ import annotations

import threading

import pytest

from pipeline.environments import building
from pipeline.environments.run_environments import RunEnvironments
from pipeline.errors import EnvironmentBuildError
from tests.pipeline.fake_source import FakeSource


def _environments(lines: list[str]) -> RunEnvironments:
    return RunEnvironments(stop=threading.Event(), say=lines.append)


def test_what_is_built_is_taken_without_a_word(tiny: FakeSource) -> None:
    lines: list[str] = []
    run = _environments(lines)
    environment = run.ensure(tiny.source)
    assert environment == building.existing(tiny.source) == run.available(tiny.source)
    assert run.failure(tiny.source) is None
    assert lines == []


def test_what_cannot_be_built_is_tried_once_and_told_to_every_model(tiny: FakeSource) -> None:
    building.remove(tiny.source, stop=threading.Event())
    (tiny.source.folder / "environment.toml").write_text('python = "not a version"\n')
    lines: list[str] = []
    run = _environments(lines)
    with pytest.raises(EnvironmentBuildError) as first:
        run.ensure(tiny.source)
    with pytest.raises(EnvironmentBuildError) as second:
        run.ensure(tiny.source)
    assert str(first.value) == str(second.value) == run.failure(tiny.source)
    assert run.available(tiny.source) is None
    assert [message.splitlines()[-1] for message in lines] == [
        "building the tiny environment (once)",
        "The run goes on without what needs this environment",
    ]
