"""Small models of the zoo files, published by the command that their users run.

At three opsets: their graphs are those of the thin networks in test_thin.py and of the default job, which are
held against their frameworks at every one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.commands import run_command
from tests.zoo.listed import SMALL, ZOO, Listed, listed_models

OPSETS = (3, 7, 12)
BLOCKS_OF_REPVGG_A = 1 + 2 + 4 + 14 + 1
PUBLISHED = ("paddle/SqueezeNet1_0", "timm/repvgg_a0")
"""One as its framework builds it, and one re-parameterised."""
WHOLE = [listed for listed in listed_models() if listed.name in PUBLISHED]


@pytest.fixture(
    scope="module",
    params=[pytest.param(each, marks=getattr(pytest.mark, each.source), id=each.name) for each in WHOLE],
)
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Listed, Path]]:
    """A model, and the folder into which its zoo file published it."""
    listed: Listed = request.param
    folder = tmp_path_factory.mktemp("zoo")
    shutil.copytree(ZOO, folder / "zoo")
    selection = ["--only", listed.name, "--opset", ",".join(map(str, OPSETS))]
    answer = run_command("run", f"zoo/{listed.file.name}", *selection, folder=folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not [left for left in (folder / "work").rglob("*") if left.is_file() and left.suffix != ".lock"]
    yield listed, folder / "dist"
    shutil.rmtree(folder)


def _records(published: tuple[Listed, Path]) -> dict[int, Any]:
    listed, dist = published
    records = {}
    for opset in OPSETS:
        [record] = (dist / listed.name.split("/")[0]).glob(f"*/model/{listed.model}-{opset}.record.json")
        records[opset] = json.loads(record.read_text())
    return records


def test_each_opset_is_published_with_a_good_verdict(published: tuple[Listed, Path]) -> None:
    listed, dist = published
    for opset, record in _records(published).items():
        assert record["name"] == f"{listed.name}@{opset}"
        assert record["verdict"]["status"] == "passed"
        assert all(runtime["outcome"] == "ran" for runtime in record["verdict"]["runtimes"].values())
        for file in record["files"].values():
            assert (dist / file["path"]).stat().st_size == file["bytes"]


def test_no_opset_makes_a_model_larger(published: tuple[Listed, Path]) -> None:
    sizes = {opset: record["files"]["onnx"]["bytes"] for opset, record in _records(published).items()}
    assert max(sizes.values()) <= 1.1 * sizes[max(OPSETS)]


def test_the_record_says_what_was_counted_and_what_documents_say(published: tuple[Listed, Path]) -> None:
    listed, _ = published
    for record in _records(published).values():
        figures = record["figures"]
        assert figures["parameters"] == SMALL[listed.name]
        assert figures["multiply_adds"]["total"] > 10 * figures["parameters"]
        documented = [document["document"] for document in figures["reported"]]
        assert bool(documented) == (listed.source == "paddle")


def test_a_repvgg_is_fused_and_held_against_its_form_for_training(published: tuple[Listed, Path]) -> None:
    listed, dist = published
    for opset, record in _records(published).items():
        form = record["provenance"]["form"]
        assert listed.fused == form.startswith(f"re-parameterised: {BLOCKS_OF_REPVGG_A} blocks fused")
        if listed.fused:
            graph = onnx.load(dist / record["files"]["onnx"]["path"]).graph
            kinds = [node.op_type for node in graph.node]
            assert (opset, kinds.count("Conv")) == (opset, BLOCKS_OF_REPVGG_A)
            assert "BatchNormalization" not in kinds
