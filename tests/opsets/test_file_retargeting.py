"""A file that is brought to one opset after the other: each is what it is where it alone is asked for."""

from __future__ import annotations

import random
from pathlib import Path

import onnx
import pytest

from opsets import FileRetargeting, RetargetError, StaticAxes, retarget_file
from opsets.retargeting import Report
from tests.opsets import test_whole_models
from tests.opsets.comparing import parse
from tests.opsets.test_retarget_file import model_with_large_weights

STOPS = """g (float[N,4] x) => (float[M] y, float[N,4] z) {
    gate = Erf(x) found = Unique(x) y = Neg(found) wide = Gelu(x) z = Mul(gate, wide)
}"""


def _models() -> dict[str, onnx.ModelProto]:
    return {
        "of all kinds of nodes": test_whole_models.model(),
        "with branches": model_with_large_weights(),
        "that stops at 11": parse(20, STOPS),
        "of 5": parse(5, "g (float[N,4,6] x) => (float[N,24] y) { a = Relu(x) y = Flatten(a) }"),
    }


def _order(name: str, opset: int) -> list[int]:
    down, up = list(range(opset, 2, -1)), list(range(opset + 1, 22))
    if name == "away from its own":
        return down + up
    targets = down + up
    random.Random(name).shuffle(targets)  # noqa: S311 - no secret
    return targets


def _outcome(report: Report | RetargetError, file: Path) -> tuple[object, ...]:
    if isinstance(report, RetargetError):
        return type(report), str(report), report.open_axes, report.is_proven
    content = file.read_bytes()
    file.unlink()
    return report.source_opset, report.rewrites, report.bounds, content


@pytest.mark.parametrize("order", ["away from its own", "any"])
@pytest.mark.parametrize("static", [None, StaticAxes(batch=2)], ids=["open", "fixed"])
@pytest.mark.parametrize("name", _models())
def test_each_is_what_it_is_alone(tmp_path: Path, name: str, static: StaticAxes | None, order: str) -> None:
    source, alone, together = tmp_path / "source.onnx", tmp_path / "one.onnx", tmp_path / "other.onnx"
    model = _models()[name]
    if static and not any(value.type.tensor_type.shape.dim for value in model.graph.input):
        static = None  # there is no batch
    onnx.save(model, source)
    retargeting = FileRetargeting(source, static=static)
    outcomes = set()
    for target in _order(order, model.opset_import[0].version):
        try:
            first: Report | RetargetError = retarget_file(source, target, alone, static=static)
        except RetargetError as error:
            first = error
        try:
            second: Report | RetargetError = retargeting.write(target, together)
        except RetargetError as error:
            second = error
        assert _outcome(second, together) == _outcome(first, alone), target
        outcomes.add(type(first))
    assert Report in outcomes
    assert (RetargetError in outcomes) == (name == "that stops at 11")


def test_a_target_that_there_is_not_costs_no_other(tmp_path: Path) -> None:
    source, file = tmp_path / "source.onnx", tmp_path / "file.onnx"
    onnx.save(test_whole_models.model(), source)
    retargeting = FileRetargeting(source)
    with pytest.raises(RetargetError, match="opset 2 is out of range"):
        retargeting.write(2, file)
    assert not file.exists()
    assert retargeting.write(9, file).source_opset == 21
