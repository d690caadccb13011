"""How large models are: asked of a framework once, or seen on disk."""

from __future__ import annotations

import threading

from pipeline.environments import building
from pipeline.estimates.sizes import bytes_below, sizes_of
from pipeline.planning.jobs import Plan
from tests.pipeline.fake_source import FakeSource

NEVER = threading.Event()


def _sizes(plan: Plan, lines: list[str]) -> dict[str, int]:
    return sizes_of(plan.jobs, plan.folder, NEVER, lines.append)


def test_a_framework_is_asked_once_for_each_model(tiny: FakeSource) -> None:
    lines: list[str] = []
    assert _sizes(tiny.plan("net"), lines) == {"tiny/net": 160}
    assert _sizes(tiny.plan("net", "other"), lines) == {"tiny/net": 160, "tiny/other": 160}
    assert _sizes(tiny.plan("net", "other"), lines) == {"tiny/net": 160, "tiny/other": 160}
    assert lines == ["asking tiny for the size of 1 model (once)"] * 2


def test_without_an_environment_a_file_of_weights_has_a_size(tiny: FakeSource) -> None:
    building.remove(tiny.source, stop=NEVER)
    (tiny.folder / "net.npz").write_bytes(bytes(77))
    lines: list[str] = []
    assert _sizes(tiny.plan("net", more="weights: {file: net.npz}"), lines) == {"tiny/net": 77}
    assert _sizes(tiny.plan("net"), lines) == {}
    assert lines == []


def test_a_model_in_a_folder_has_the_size_of_its_files(tiny: FakeSource) -> None:
    (tiny.folder / "model").mkdir()
    (tiny.folder / "model" / "net.pb").write_bytes(bytes(33))
    more = "name: classifier\npreprocessing: {input_size: [3, 8, 8]}"
    lines: list[str] = []
    assert _sizes(tiny.plan("./model", more=more), lines) == {"tiny/classifier": 33}
    assert lines == []


def test_a_folder_that_is_not_there_has_no_bytes(tiny: FakeSource) -> None:
    assert bytes_below(tiny.folder / "absent") == 0
