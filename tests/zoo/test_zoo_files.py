"""The zoo files themselves: what they list, what documents say of it, and that they can be planned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config.documents import read_figures
from pipeline.planning.planner import read_checked
from tests.commands import run_command
from tests.zoo.listed import FILES, SMALL, ZOO, listed_models

VGGS = {f"vgg{layers}{bn}" for layers in (11, 13, 16, 19) for bn in ("", "_bn")}
VGG = {
    **dict.fromkeys(("timm", "torchvision", "mxnet"), VGGS),
    "mmcls": {f"{name.replace('_', '')}_8xb32_in1k" for name in VGGS},
    "paddle": {"VGG11", "VGG13", "VGG16", "VGG19"},
    "caffe2": {"vgg19"},
}
PADDLECLAS = {"paddle": {"AlexNet", "SqueezeNet1_0", "SqueezeNet1_1", "DarkNet53", "SENet154_vd"}}
REPVGGS = {"A0", "A1", "A2", "B0", "B1", "B2", "B1g2", "B1g4", "B2g4", "B3g4"}
"""Those whose accuracies PaddleClas documents."""

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def _listed(path: Path) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for listed in listed_models():
        if listed.file == path:
            assert listed.model not in names.setdefault(listed.source, set())
            names[listed.source].add(listed.model)
    return names


def test_the_lists_are_those_of_the_documents() -> None:
    vgg, paddleclas, repvgg = map(_listed, FILES)
    assert vgg == VGG
    assert paddleclas == PADDLECLAS
    assert repvgg["paddle"] == {f"RepVGG_{size}" for size in REPVGGS}
    assert {name.removeprefix("repvgg_") for name in repvgg["timm"]} >= {
        size.lower() for size in REPVGGS - {"B1g2"}
    }  # timm has no b1g2
    assert {name.split("_")[0].removeprefix("repvgg-") for name in repvgg["mmcls"]} >= REPVGGS


def test_a_repvgg_is_published_fused_and_nothing_else_is() -> None:
    assert {listed.fused for listed in listed_models() if "repvgg" in listed.name.lower()} == {True}
    assert {listed.fused for listed in listed_models() if "repvgg" not in listed.name.lower()} == {False}


def test_no_name_is_a_pattern_and_small_ones_are_listed() -> None:
    names = {listed.name for listed in listed_models()}
    assert not [name for name in names if set("*?[") & set(name)]
    assert set(SMALL) <= names


@each_file
def test_every_file_says_ten_opsets_and_where_the_figures_are(path: Path) -> None:
    file = read_checked(path).file
    assert file.opsets == tuple(range(3, 13))
    assert file.figures == Path("figures.yaml")


def test_the_documents_speak_of_listed_models_only_and_of_all_that_they_list() -> None:
    described = {
        model for document in read_figures(ZOO / "figures.yaml").documents for model in document.models
    }
    names = {listed.name for listed in listed_models()}
    assert described <= names
    # The original zoo's table has no VGG11 and 13, and no document says anything of others' RepVGGs.
    silent = {f"mxnet/{name}" for name in VGGS if name < "vgg16"}
    silent |= {name for name in names if name.startswith(("timm/repvgg", "mmcls/repvgg"))}
    assert names - described == silent


@each_file
def test_every_unit_can_be_planned_before_any_environment_is_built(path: Path, tmp_path: Path) -> None:
    answer = run_command(
        *("plan", str(path), "--format", "json", "--publish", str(tmp_path / "dist")),
        folder=tmp_path,
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert answer.returncode == 0, answer.stderr
    planned = {unit["name"] for unit in json.loads(answer.stdout)["units"]}
    wanted = [listed.name for listed in listed_models() if listed.file == path]
    assert planned == {f"{name}@{opset}" for name in wanted for opset in range(3, 13)}
    assert not (tmp_path / "cache" / "onnx-zoo-pipeline" / "environments").exists()
