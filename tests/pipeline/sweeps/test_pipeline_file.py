"""What a sweep is made of: which names, in which pipeline files."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.catalogue import read_catalogue
from converters.registry import SOURCES
from pipeline.commands.sweep import SweepOptions, sweep
from pipeline.errors import UsageError
from pipeline.estimates.shards import Shard
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.sweeps.pipeline_file import SweepSettings, models_of, write_pipeline_files


def _settings(source: str, *patterns: str, largest: int | None = None) -> SweepSettings:
    return SweepSettings(source, patterns, (12,), largest, 60, 2)


def test_a_network_is_swept_once_whatever_weights_there_are() -> None:
    # The third set of weights was trained with smaller pictures.
    assert models_of(_settings("timm", "resnet18*")) == ["resnet18", "resnet18.a3_in1k", "resnet18d"]
    assert models_of(_settings("timm", "resnet18.a*")) == ["resnet18.a1_in1k", "resnet18.a3_in1k"]
    asked = ["resnet18.a1_in1k", "resnet18.a2_in1k"]
    assert models_of(_settings("timm", *asked)) == asked
    of_two_sizes = models_of(_settings("timm", "tf_efficientnetv2_b0*", "convnextv2_nano*"))
    assert of_two_sizes == [
        "convnextv2_nano",
        "convnextv2_nano.fcmae_ft_in22k_in1k_384",
        "tf_efficientnetv2_b0",
    ]


@pytest.mark.parametrize("source", ["timm", "torchvision", "mmcls", "paddle", "mxnet"])
def test_no_network_is_left_out(source: str) -> None:
    listed = read_catalogue(SOURCES[source])
    swept = {(listed[name].parameters, listed[name].input_size) for name in models_of(_settings(source))}
    assert swept == {(model.parameters, model.input_size) for model in listed.values()}
    if source != "timm":
        assert models_of(_settings(source)) == sorted(listed)


def test_names_that_differ_in_capitals_alone_are_planned_apart(tmp_path: Path) -> None:
    settings = _settings("paddle", largest=20_000_000)
    names = models_of(settings)
    assert {"DenseNet121", "densenet121"} <= set(names)
    files = write_pipeline_files(settings, names, tmp_path)
    assert [file.name for file in files] == ["pipeline.yaml", "pipeline-2.yaml"]
    planned = [job.name for file in files for job in make_plan(read_checked(file), Selection()).jobs]
    assert sorted(planned) == sorted(f"paddle/{name}" for name in names)


def test_one_zoo_cannot_have_both(tmp_path: Path) -> None:
    options = SweepOptions(tmp_path / "paddle.jsonl", Shard(1, 1), 1, str(tmp_path / "zoo"), again=False)
    with pytest.raises(UsageError, match=r"has names that differ in capitals alone, such as densenet121"):
        sweep(_settings("paddle", "[Dd]ense[Nn]et121"), options)
    assert not (tmp_path / "zoo").exists()
