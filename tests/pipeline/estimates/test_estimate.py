"""What a plan takes on disk and in time, and when there is no room for it."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import opsets
from converters.registry import SOURCES
from latency.runtimes import available_runtimes
from pipeline.estimates.disk import LEAST_MARGIN, Need, refusal, rooms
from pipeline.estimates.durations import benchmark_seconds
from pipeline.estimates.estimate import ARCHIVE_SHARE, GRAPH_BYTES, Estimate, estimate
from pipeline.estimates.history import note
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.terminal.wording import size_text
from publishing.record import to_json
from publishing.units import Material, publish
from tests.publishing.zoos import data_sets, description, network, zoo_in

NEVER = threading.Event()
RESNET18, VGG11 = 46_796_448, 531_453_344
"""The bytes of the weights and statistics of the two networks."""
INPUTS = 4 * (1 + 3) * 3 * 64 * 64
"""Noise as a batch of 1 and of 3, of float32."""
FILE = """\
publish: dist
opsets: 11-12
defaults:
  preprocessing: {input_size: [3, 64, 64]}
models:
  - source: timm
    models: [resnet18, vgg11]
"""


def _unit(weights: int) -> int:
    return int(weights * (1 + ARCHIVE_SHARE)) + INPUTS + GRAPH_BYTES


def _work(weights: int, candidates: int, units: int = 2) -> int:
    """What a model needs: its inputs, the export, so many files beside it, deflated weights."""
    graphs = (1 + units) * GRAPH_BYTES
    return INPUTS + (1 + candidates) * weights + int(ARCHIVE_SHARE * weights) + graphs


def _benchmark(weights: int) -> float:
    """The seconds that timing two units takes."""
    return 2 * benchmark_seconds(SOURCES["timm"], weights, len(available_runtimes()))


def _estimate(folder: Path, text: str = FILE, at_once: int = 1, opsets: tuple[int, ...] = ()) -> Estimate:
    """Of a file whose environments are not there."""
    path = folder / "pipeline.yaml"
    path.write_text(text, encoding="utf-8")
    return estimate(make_plan(read_checked(path), Selection(opsets=opsets)), at_once)


def _needs(result: Estimate) -> dict[str, int]:
    return {need.purpose: need.bytes for need in result.needs}


@pytest.mark.usefixtures("own_cache")
def test_every_unit_is_counted_with_its_archive_and_test_data(tmp_path: Path) -> None:
    result = _estimate(tmp_path)
    assert [model.weights for model in result.models] == [RESNET18, VGG11]
    assert [model.publish for model in result.models] == [2 * _unit(RESNET18), 2 * _unit(VGG11)]
    assert _needs(result)["to publish"] == 2 * (_unit(RESNET18) + _unit(VGG11))
    assert _needs(_estimate(tmp_path, opsets=(12,)))["to publish"] == _unit(RESNET18) + _unit(VGG11)


@pytest.mark.usefixtures("own_cache")
def test_work_is_that_of_the_models_under_way_together(tmp_path: Path) -> None:
    assert _needs(_estimate(tmp_path))["of work"] == _work(VGG11, candidates=2)
    both = _work(RESNET18, candidates=2) + _work(VGG11, candidates=2)
    assert _needs(_estimate(tmp_path, at_once=2))["of work"] == both
    assert _needs(_estimate(tmp_path, at_once=3))["of work"] == both


@pytest.mark.usefixtures("own_cache")
def test_an_old_opset_is_written_once_more_to_be_raised(tmp_path: Path) -> None:
    old = FILE.replace("11-12", "6,12")
    assert _needs(_estimate(tmp_path, old))["of work"] == _work(VGG11, candidates=3)


@pytest.mark.usefixtures("own_cache")
def test_two_groups_of_opsets_lie_there_at_once(tmp_path: Path) -> None:
    """Of a model of this size four are verified together, while those before them are published."""
    ten = FILE.replace("11-12", "7-16")
    assert _needs(_estimate(tmp_path, ten))["of work"] == _work(VGG11, candidates=2 * 4, units=10)


@pytest.mark.usefixtures("own_cache")
def test_what_lies_in_work_already_is_not_counted_again(tmp_path: Path) -> None:
    before, other = (model.work for model in _estimate(tmp_path).models)
    (tmp_path / "work/timm/resnet18/export-1").mkdir(parents=True)
    (tmp_path / "work/timm/resnet18/export-1/model.onnx").write_bytes(bytes(1000))
    assert before
    assert [model.work for model in _estimate(tmp_path).models] == [before - 1000, other]


def _publish_as_large(folder: Path, opset: int) -> None:
    """Publish a unit whose four files have the size of one of resnet18."""
    described = description("resnet18", name=f"timm/resnet18@{opset}")
    model = opsets.read_graph(network(folder / "tiny.onnx"))
    model.opset_import[0].version = opset
    record = publish(zoo_in(folder / "dist"), Material(folder / "tiny.onnx", model, data_sets()), described)
    sizes = {kind: file.bytes for kind, file in record.files.items()}
    sizes["onnx"] += _unit(RESNET18) - sum(sizes.values())
    os.truncate(folder / "dist" / record.files["onnx"].path, sizes["onnx"])
    files = {kind: replace(file, bytes=sizes[kind]) for kind, file in record.files.items()}
    place = folder / "dist" / f"{record.folder}/{record.stem}.record.json"
    place.write_text(to_json(replace(record, files=files)))


@pytest.mark.usefixtures("own_cache")
def test_an_older_publication_makes_room_once_the_new_one_is_whole(tmp_path: Path) -> None:
    for opset in (11, 12):
        _publish_as_large(tmp_path, opset)
    assert [model.publish for model in _estimate(tmp_path).models] == [_unit(RESNET18), 2 * _unit(VGG11)]


@pytest.mark.usefixtures("own_cache")
def test_an_environment_that_is_missing_is_counted_and_named(tmp_path: Path) -> None:
    result = _estimate(tmp_path)
    assert result.unbuilt == ("timm",)
    assert _needs(result)["of environments"] == 900_000_000


@pytest.mark.usefixtures("own_cache")
def test_requirements_of_code_make_an_environment_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("def build(): ...\n")
    entry = "  - source: pytorch\n    model: ./net.py:build\n    name: "
    both = f"{entry}plain\n{entry}more\n    requirements: [b==1, a==2]\n"
    result = _estimate(tmp_path, FILE[: FILE.index("  - source")] + both)
    assert result.unbuilt == ("torchvision", "torchvision with a==2, b==1")
    assert _needs(result)["of environments"] == 2 * 900_000_000


@pytest.mark.usefixtures("own_cache")
def test_a_model_of_which_nothing_is_known_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    entry = "  - source: paddle\n    model: ./empty\n    name: mine\n"
    result = _estimate(tmp_path, FILE[: FILE.index("  - source")] + entry)
    assert result.unknown == ("paddle/mine",)
    assert _needs(result) == {"of environments": 1_200_000_000}
    assert (result.models[0].publish, result.models[0].seconds, result.seconds) == (None, None, 0)


@pytest.mark.usefixtures("own_cache")
def test_a_second_opinion_in_an_environment_is_counted(tmp_path: Path) -> None:
    text = FILE.replace("defaults:\n", "defaults:\n  parity: {caffe2: true}\n")
    assert _estimate(tmp_path, text).unbuilt == ("timm", "caffe2")


@pytest.mark.usefixtures("own_cache")
def test_weights_that_are_still_to_be_fetched_are_counted(tmp_path: Path) -> None:
    url = f"defaults:\n  weights: {{url: 'http://127.0.0.1:9/resnet18.pth', sha256: {'ab' * 32}}}"
    result = _estimate(tmp_path, FILE.replace("defaults:", url))
    assert _needs(result)["of downloads"] == RESNET18 + VGG11


@pytest.mark.usefixtures("own_cache")
def test_time_comes_from_the_history(tmp_path: Path) -> None:
    by_size = _estimate(tmp_path)
    assert {model.seconds_by for model in by_size.models} == {"formula"}
    assert by_size.seconds == pytest.approx(sum(model.seconds or 0 for model in by_size.models))
    note({"timm/vgg11": {"bytes": VGG11, "seconds": {"export": 50.0, "unit": 4.0}}}, NEVER)
    resnet18, vgg11 = _estimate(tmp_path).models
    assert (resnet18.seconds_by, vgg11.seconds_by, vgg11.seconds) == ("formula", "history", 58.0)


@pytest.mark.usefixtures("own_cache")
def test_units_that_are_to_be_timed_take_longer_one_after_the_other(tmp_path: Path) -> None:
    text = FILE.replace("defaults:\n", "defaults:\n  benchmark: true\n")
    without, timed = _estimate(tmp_path), _estimate(tmp_path, text)
    assert [model.benchmark_seconds for model in without.models] == [0, 0]
    both = [_benchmark(RESNET18), _benchmark(VGG11)]
    assert [model.benchmark_seconds for model in timed.models] == pytest.approx(both)
    for model, other, each in zip(timed.models, without.models, both, strict=True):
        assert model.seconds == pytest.approx((other.seconds or 0) + each)
    assert timed.seconds == pytest.approx(without.seconds + sum(both))
    together = _estimate(tmp_path, text, at_once=2)
    assert together.seconds == pytest.approx(_estimate(tmp_path, at_once=2).seconds + sum(both))


@pytest.mark.usefixtures("own_cache")
def test_the_time_of_timing_comes_from_the_history(tmp_path: Path) -> None:
    text = FILE.replace("defaults:\n", "defaults:\n  benchmark: true\n")
    note({"timm/vgg11": {"bytes": VGG11, "seconds": {"export": 50.0, "unit": 4.0}}}, NEVER)
    assert _estimate(tmp_path, text).models[1].seconds_by == "formula"
    note({"timm/vgg11": {"seconds": {"benchmark": 30.0}}}, NEVER)
    vgg11 = _estimate(tmp_path, text).models[1]
    assert (vgg11.seconds, vgg11.benchmark_seconds, vgg11.seconds_by) == (118.0, 60.0, "history")


@pytest.mark.usefixtures("own_cache")
def test_what_is_published_and_has_no_times_yet_is_to_be_timed_and_nothing_else(tmp_path: Path) -> None:
    for opset in (11, 12):
        _publish_as_large(tmp_path, opset)
    text = FILE.replace("defaults:\n", "defaults:\n  benchmark: true\n").replace(", vgg11", "")
    (tmp_path / "pipeline.yaml").write_text(text)
    plan = make_plan(read_checked(tmp_path / "pipeline.yaml"), Selection())
    [job] = plan.jobs
    done = replace(job, units=tuple(replace(unit, done=True) for unit in job.units))
    [model] = estimate(replace(plan, jobs=(done,)), 1).models
    assert (model.units, model.publish, model.work) == (0, 0, 0)
    assert model.seconds == model.benchmark_seconds == pytest.approx(_benchmark(RESNET18))
    paths = [unit.benchmark_path for unit in plan.published.values()]
    [model] = estimate(replace(plan, jobs=(done,), listed={paths[0]: ""}), 1).models
    assert model.seconds == pytest.approx(_benchmark(RESNET18) / 2)
    nothing = estimate(replace(plan, jobs=(done,), listed=dict.fromkeys(paths, "")), 1)
    assert (nothing.models, nothing.seconds) == ((), 0)


def test_folders_of_one_file_system_share_its_room(tmp_path: Path) -> None:
    [room] = rooms([Need("to publish", tmp_path / "a/b", 10), Need("of work", tmp_path / "c", 5)])
    assert room.needed == 15 + LEAST_MARGIN
    assert not room.missing
    assert refusal([room]) is None


def test_a_disk_that_will_not_do_is_refused_with_what_to_do(tmp_path: Path) -> None:
    disks = rooms([Need("to publish", tmp_path / "dist", 10**15), Need("of work", tmp_path / "work", 1)])
    message = refusal(disks) or ""
    assert f"1000.0 TB to publish in {tmp_path}/dist" in message
    assert f"free: {size_text(disks[0].free)}" in message
    assert "select less with --only or --opset, or publish on another disk with --publish" in message


def test_a_run_that_writes_nothing_needs_no_room(tmp_path: Path) -> None:
    assert rooms([Need("to publish", tmp_path, 0)])[0].needed == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (553_430_176, "553 MB"), (5.5e9, "5.5 GB"), (2e12, "2.0 TB")],
)
def test_sizes_are_said_in_units_that_fit(size: float, text: str) -> None:
    assert size_text(size) == text
