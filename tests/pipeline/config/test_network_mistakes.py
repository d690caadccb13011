"""Classes, channels and arguments of an entry: what contradicts itself is found when the file is read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pipeline.config.schema import RandomWeights
from pipeline.errors import UsageError
from pipeline.planning.planner import CheckedFile, read_checked


def _checked(folder: Path, entry: str) -> CheckedFile:
    (folder / "net").mkdir(exist_ok=True)
    path = folder / "pipeline.yaml"
    path.write_text(f"publish: dist\nmodels:\n  - {entry}\n", encoding="utf-8")
    return read_checked(path)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "{source: timm, model: a, channels: 1, preprocessing: {input_size: [3, 8, 8]}}",
            "channels: 1 contradicts input_size: [3, 8, 8]",
        ),
        ("{source: timm, model: a, channels: 4}", "channels: input should be 1 or 3"),
        ("{source: timm, model: a, classes: 0}", "classes: input should be greater than or equal to 2"),
        ("{source: timm, model: a, classes: ten}", "classes: input should be a valid integer"),
        (
            "{source: timm, model: a, channels: 1, preprocessing: {mean: [0.5, 0.5, 0.5]}}",
            "mean has 3 values for pictures of 1 channel.",
        ),
        (
            "{source: timm, model: a, preprocessing: {input_size: [3, 8, 8], std: [0.5]}}",
            "std has 1 values for pictures of 3 channels.",
        ),
        (
            "{source: mmcls, model: a, channels: 1, preprocessing: {convention: mmcls}}",
            "convention 'mmcls' prepares pictures of three channels",
        ),
        ("{source: timm, model: a, arguments: {num_classes: 9}}", "'num_classes' is said with classes: N"),
        ("{source: timm, model: a, arguments: {in_chans: 1}}", "'in_chans' is said with channels: N"),
        (
            "{source: timm, model: a, arguments: {img_size: 96}}",
            "'img_size' is said with preprocessing: {input_size: [C, H, W]}",
        ),
        (
            "{source: timm, model: a, arguments: {checkpoint_path: x.pth}}",
            "'checkpoint_path' is about loading",
        ),
        ("{source: mmcls, model: a, arguments: {backbone: {init_cfg: x}}}", "'init_cfg' is about loading"),
        (
            "{source: timm, model: a, arguments: {since: 2020-01-01}}",
            "since: input was not a valid JSON value",
        ),
        (
            "{source: mxnet, model: ./net, name: net, weights: pretrained, "
            "preprocessing: {input_size: [3, 8, 8]}}",
            "a model given as a folder has weights of its own. Remove weights",
        ),
        (
            "{source: paddle, model: ./net, name: net, classes: 10, preprocessing: {input_size: [3, 8, 8]}}",
            "a model given as a folder or a file is what that says. Leave classes out",
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_do(tmp_path: Path, entry: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        _checked(tmp_path, entry)
    assert expected in str(caught.value)
    assert "pipeline.yaml:3: " in str(caught.value)


def test_plain_values_are_arguments(tmp_path: Path) -> None:
    entry = "{source: timm, model: a, classes: 9, channels: 1, arguments: {rate: 0.1, sizes: [1, {a: null}]}}"
    [read] = _checked(tmp_path, entry).file.models
    assert (read.classes, read.channels) == (9, 1)
    assert read.arguments == {"rate": 0.1, "sizes": [1, {"a": None}]}
    assert read.input_size((3, 8, 6)) == (1, 8, 6)


@pytest.mark.parametrize("said", ["", ", weights: {random: 0}"])
def test_what_defaults_say_of_weights_passes_by_a_model_that_has_its_own(tmp_path: Path, said: str) -> None:
    (tmp_path / "net").mkdir()
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        archive.writestr("net/constants.pkl", b"")
    (tmp_path / "pipeline.yaml").write_text(
        "publish: dist\n"
        "defaults: {weights: {random: 7}, preprocessing: {input_size: [3, 8, 8]}}\n"
        "models:\n"
        f"  - {{source: paddle, model: ./net, name: net{said}}}\n"
        "  - {source: pytorch, model: ./net.pt, name: archive}\n"
        "  - {source: timm, model: a}\n"
    )
    if not said:
        models = read_checked(tmp_path / "pipeline.yaml").file.models
        assert [entry.weights for entry in models] == ["random", "random", RandomWeights(random=7)]
        return
    with pytest.raises(
        UsageError, match=r"pipeline\.yaml:4: a model given as a folder has weights of its own"
    ):
        read_checked(tmp_path / "pipeline.yaml")
