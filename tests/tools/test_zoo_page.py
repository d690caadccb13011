"""The page of the zoo: what it takes from records, from documents and from the history."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import parser

from pipeline.estimates.history import history_file
from publishing.archive import DataSet
from publishing.units import Material, publish
from tests.publishing.zoos import description, zoo_in

ROOT = Path(__file__).parents[2]
FILE = """\
publish: dist
opsets: [6, 9]
models:
  - source: timm
    models: [resnet18, resnet34]
"""
FIGURES = {
    "parameters": 1_240_000,
    "multiply_adds": {"convolutions": 777_000_000, "fully_connected": 0, "total": 777_000_000},
    "unknown": None,
    "reported": [
        {
            "document": "a table",
            "top1": 59.6,
            "top5": None,
            "files": [],
            "parameters": {"reported": 1.2, "difference_percent": 3.3333, "explanation": "it is | another"},
        }
    ],
}
HISTORY = {
    "timm/resnet18": {
        "when": "2026-01-31T12:00:00+00:00",
        "seconds": {"inputs": 0.4, "export": 11.2, "unit": 9.1},
        "peak_memory": 3 << 29,
    }
}


def ran(error: float, *, right: bool = True) -> dict[str, Any]:
    return {"outcome": "ran", "comparisons": {"noise-1": {"passed": right, "relative_error": error}}}


RUNTIMES = {
    6: {"openvino": ran(1e-6), "opencv": ran(0.5, right=False), "caffe2": {"outcome": "not available"}},
    9: {"openvino": ran(3e-6), "onnxruntime": ran(2e-6)},
}


def _publish(folder: Path, opset: int) -> None:
    graph = "net (float[N, 4] x) => (float[N, 4] y) { y = Relu (x) }"
    text = f'<ir_version: 3, opset_import: ["": {opset}]> {graph}'
    model = parser.parse_model(text)
    onnx.save(model, folder / "model.onnx")
    described = description(
        "resnet18",
        name=f"timm/resnet18@{opset}",
        verdict={"status": "passed", "runtimes": RUNTIMES[opset]},
        figures=FIGURES,
    )
    array = np.zeros((1, 4), np.float32)
    material = Material(folder / "model.onnx", model, [DataSet([array], [array])])
    publish(zoo_in(folder / "dist"), material, described)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page of a pipeline file with two models, of which one is published."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    history_file().parent.mkdir(parents=True)
    history_file().write_text(json.dumps(HISTORY), encoding="utf-8")
    (tmp_path / "pipeline.yaml").write_text(FILE, encoding="utf-8")
    for opset in (6, 9):
        _publish(tmp_path, opset)
    _command(tmp_path / "pipeline.yaml", "--output", tmp_path / "zoo.md")
    return (tmp_path / "zoo.md").read_text(encoding="utf-8")


def _command(*arguments: Path | str, code: int = 0) -> str:
    command = [sys.executable, "-m", "tools.zoo_page", *map(str, arguments)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == code, answer.stdout + answer.stderr
    return answer.stderr


def test_figures_and_their_explanations(page: str) -> None:
    assert "| timm/resnet18 | 6, 9 | 1.240 | 1.2 | +3.33% | 0.777 |  |  |  | 59.6 |  | [1] |" in page
    assert r"- [1] parameters: it is \| another" in page
    assert "not published on this occasion: timm/resnet34." in page


def test_verdicts_times_and_memory(page: str) -> None:
    right = "onnxruntime (9), openvino (6, 9)"
    assert f"| timm/resnet18 | 6, 9 | 3.0e-06 | {right} | opencv (6) | 11 | 9 | 1.50 |" in page


def test_every_file_has_a_row(page: str) -> None:
    files = page[page.index("### Files") :]
    assert "| timm/resnet18@6 | 0.0 |  | 0.0 |  | 1.1.2 |  | 6 | 3 |" in files
    assert "| timm/resnet18@9 | 0.0 |  | 0.0 |  | 1.4.1 |  | 9 | 3 |" in files


def test_a_mistake_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    message = _command(tmp_path / "none.yaml", "--output", tmp_path / "zoo.md", code=2)
    assert message.startswith("error: there is no file")
    assert not (tmp_path / "zoo.md").exists()
