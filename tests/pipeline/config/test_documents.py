"""The file of figures: what it may say, the lines that its mistakes are found in, and what depends on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.documents import FiguresFile, read_figures
from pipeline.errors import UsageError
from pipeline.planning.jobs import Plan
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection

ROOT = Path(__file__).parents[3]
GOOD = """\
documents:
  - title: a table
    counts: {convolutions: 2}
    decimals: 2
    models:
      timm/vgg11: {input_size: 224, parameters: 132.86, operations: 15.09, top1: 69.0}
      mxnet/vgg16:
        explanations: {parameters: counted otherwise}
        files:
          - {opset: 7, onnx_version: 1.2.1, onnx: 527.8}
"""
PIPELINE = """\
publish: dist
opsets: 9-12
figures: figures.yaml
models:
  - source: timm
    models: [vgg11, vgg13]
"""


def _read(folder: Path, text: str) -> FiguresFile:
    (folder / "figures.yaml").write_text(text, encoding="utf-8")
    return read_figures(folder / "figures.yaml")


def _plan(folder: Path, text: str = PIPELINE) -> Plan:
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    return make_plan(read_checked(folder / "pipeline.yaml"), Selection())


def test_a_model_gets_what_documents_say_of_it(tmp_path: Path) -> None:
    [document] = _read(tmp_path, GOOD).of("timm/vgg11")
    assert (document.title, document.decimals, set(document.models)) == ("a table", 2, {"timm/vgg11"})
    assert (document.counts.convolutions, document.counts.fully_connected) == (2, 1)
    assert document.models["timm/vgg11"].parameters == 132.86
    assert _read(tmp_path, GOOD).of("timm/vgg13") == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: a", "titel: a", "figures.yaml:2: unknown key 'titel'. Did you mean 'title'?"),
        ("convolutions: 2", "convolution: 2", "3: unknown key 'convolution'. Did you mean 'convolutions'?"),
        ("convolutions: 2", "convolutions: 3", "3: convolutions: input should be less than or equal to 2"),
        ("parameters: 132", "params: 132", "6: unknown key 'params'. Did you mean 'parameters'?"),
        ("parameters: 132.86", "parameters: many", "6: parameters: input should be a valid number"),
        ("top1: 69.0", "top1: 690", "6: top1: input should be less than or equal to 100"),
        ("timm/vgg11", "tim/vgg11", "6: 'tim/vgg11' names no model. It is SOURCE/NAME, where SOURCE"),
        ("mxnet/vgg16", "vgg16", "7: 'vgg16' names no model. It is SOURCE/NAME"),
        ("mxnet/vgg16", "mxnet/vgg16@7", "7: 'mxnet/vgg16@7' names no model. It is SOURCE/NAME"),
        ("{parameters: c", "{parameter: c", "8: unknown key 'parameter'. Did you mean 'parameters'?"),
        ("onnx: 527", "onx: 527", "10: unknown key 'onx'. Did you mean 'onnx'?"),
        ("opset: 7, ", "", "10: the key 'opset' is missing."),
        ("1.2.1", "1.2", "10: onnx_version: input should be a valid string"),
        ("documents", "documnts", "1: unknown key 'documnts'. Did you mean 'documents'?"),
        (GOOD, "", "figures.yaml:1: the file is empty."),
        (GOOD, "- a", "figures.yaml:1: a file of figures is a mapping with documents."),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError) as caught:
        _read(tmp_path, GOOD.replace(old, new, 1))
    assert expected in str(caught.value)


def test_a_pipeline_file_is_refused_for_a_file_of_figures_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pipeline\.yaml:3: there is no file .*figures\.yaml"):
        _plan(tmp_path)


def test_a_pipeline_file_is_refused_for_mistakes_in_its_file_of_figures(tmp_path: Path) -> None:
    (tmp_path / "figures.yaml").write_text(GOOD.replace("title", "titel"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"figures\.yaml:2: unknown key 'titel'"):
        _plan(tmp_path)


def test_a_unit_is_done_again_when_a_document_says_something_else_of_its_model(tmp_path: Path) -> None:
    figures = tmp_path / "figures.yaml"
    figures.write_text(GOOD, encoding="utf-8")
    before = {unit.name: unit.key for unit in _plan(tmp_path).units}
    figures.write_text(GOOD.replace("132.86", "132.87").replace("527.8", "527.9"), encoding="utf-8")
    after = {unit.name: unit.key for unit in _plan(tmp_path).units}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"timm/vgg11@{opset}" for opset in range(9, 13)}


def test_our_zoo_asks_for_every_model_that_its_file_of_figures_names() -> None:
    listed = read_figures(ROOT / "zoo" / "figures.yaml")
    models = {model for document in listed.documents for model in document.models}
    named = {
        f"{entry.source}/{pattern}"
        for path in (ROOT / "zoo").glob("*.yaml")
        if path.name != "figures.yaml"
        for entry in read_checked(path).file.models
        for pattern in entry.patterns
    }
    assert models <= named
