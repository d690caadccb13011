"""``python -m pipeline figures`` as a user runs it, on a folder with published files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

import opsets
from pipeline.config.documents import read_figures
from pipeline.stages.comparison import figures_of
from publishing.archive import DataSet
from publishing.units import Material, publish
from tests.commands import run_command
from tests.publishing.zoos import description, zoo_in

FILE = """\
publish: dist
opsets: [7, 9]
figures: figures.yaml
models:
  - source: timm
    models: [resnet18, resnet34]
"""
FIGURES = """\
documents:
  - title: the table of a document
    counts: {convolutions: 2}
    decimals: 2
    megabyte: 1024
    models:
      timm/resnet18:
        parameters: 0.01
        operations: 0.04
        top1: 70.5
        top5: 90.1
        explanations: {operations: the document's is for a larger one}
        files: [{opset: 7, onnx_version: 1.2.1, onnx: 57.8, tar_gz: 55.5, top1: 70.4}]
"""
NETWORK = """
<ir_version: 7, opset_import: ["": 12]>
net (float[N, 3, 32, 32] x) => (float[N, 500] y) {
  c = Conv (x, w)  p = GlobalAveragePool (c)  f = Flatten (p)  y = MatMul (f, v)
}"""


def _publish(folder: Path, opset: int) -> None:
    generator = np.random.default_rng(0)
    network = parser.parse_model(NETWORK)
    for name, shape in (("w", (28, 3, 3, 3)), ("v", (28, 500))):
        network.graph.initializer.append(
            numpy_helper.from_array(generator.normal(size=shape).astype(np.float32), name)
        )
    model = opsets.retarget(network, opset)
    onnx.save(model, folder / "model.onnx")
    [document] = read_figures(folder / "figures.yaml").of("timm/resnet18")
    counted = figures_of("timm/resnet18", model, [document], height=32, framework_parameters=14_756)
    described = description(
        "resnet18",
        name=f"timm/resnet18@{opset}",
        family="resnet18",
        key="of another day",
        preprocessing={},
        figures=counted,
    )
    arrays = np.zeros((1, 3, 32, 32), np.float32), np.zeros((1, 500), np.float32)
    material = Material(folder / "model.onnx", model, [DataSet(arrays[:1], arrays[1:])])
    publish(zoo_in(folder / "dist"), material, described)


@pytest.fixture
def folder(tmp_path: Path, own_cache: Path) -> Path:
    """A pipeline file of two models; of one of them, two opsets are published."""
    (tmp_path / "pipeline.yaml").write_text(FILE, encoding="utf-8")
    (tmp_path / "figures.yaml").write_text(FIGURES, encoding="utf-8")
    for opset in (7, 9):
        _publish(tmp_path, opset)
    return tmp_path


def _command(folder: Path, *arguments: str, code: int = 0) -> str:
    answer = run_command("figures", "pipeline.yaml", *arguments, folder=folder)
    assert answer.returncode == code, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


def _row(text: str, start: str) -> list[str]:
    [row] = [line for line in text.splitlines() if line.startswith(start)]
    return row.removeprefix(start).split()


def test_figures_stand_beside_those_of_the_document(folder: Path) -> None:
    text = _command(folder)
    assert max(map(len, text.splitlines()[:12])) <= 140
    parameters, operations = ["0.0148", "0.01", "+47.56%"], ["0.000694", "0.00137", "0.04", "-96.56%"]
    row = _row(text, "timm/resnet18 ")
    assert row[:2] == ["7,", "9"]
    assert row[2:] == [*parameters, *operations, "70.5", "90.1", "[1]", "[2]"]
    assert "[1] parameters: the document rounds to 2 decimals, and 0.014756 is 0.01 there" in text
    assert "[2] operations: the document's is for a larger one" in text
    assert "theirs: the table of a document; operations for a multiply-add: 2 of convolutions, 1 of" in text


def test_files_stand_beside_those_of_the_original_zoo(folder: Path) -> None:
    text = _command(folder)
    size, archive = (
        f"{(folder / 'dist/timm/resnet18/model' / f'resnet18-7{ending}').stat().st_size / (1 << 20):.1f}"
        for ending in (".onnx", ".tar.gz")
    )
    assert _row(text, "timm/resnet18@7") == [size, "0.1", archive, "0.1", "1.2", "1.2.1", "7", "3", "70.4"]
    assert _row(text, "timm/resnet18@9")[2:] == ["1.4.1", "9", "4"]


def test_what_is_not_published_is_named(folder: Path) -> None:
    assert _row(_command(folder), "timm/resnet34") == ["not", "published", "yet"]
    (folder / "dist/timm/resnet18/model/resnet18-9.record.json").unlink()
    text = _command(folder, "--only", "timm/resnet18")
    assert _row(text, "timm/resnet18 ")[0] == "7"
    assert "9 not published yet" in text
    assert "timm/resnet34" not in text


def test_the_selection_is_that_of_plan(folder: Path) -> None:
    text = _command(folder, "--opset", "9", "--publish", "elsewhere")
    assert _row(text, "timm/resnet18 ") == ["not", "published", "yet"]
    assert "selects nothing" in _command(folder, "--only", "mxnet/*", code=2)


def test_markdown_has_the_same_cells(folder: Path) -> None:
    text = _command(folder, "--format", "markdown")
    assert "| timm/resnet18 | 7, 9 | 0.0148 | 0.01 | +47.56% | 0.000694 | 0.00137 | 0.04 | -96.56% |" in text
    assert "| timm/resnet34 | not published yet |" in text
    widths = {line.count("|") for line in text.split("\n\n")[0].splitlines()}
    assert widths == {13}
    assert "neither text nor markdown" in _command(folder, "--format", "json", code=2)
