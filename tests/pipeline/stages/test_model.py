"""One model through all its stages, with real runtimes and real publishing, from a source of seconds."""

from __future__ import annotations

from pipeline.results import Result
from pipeline.stages.model import run_model
from tests.pipeline.fake_source import FakeSource


def _run(tiny: FakeSource, model: str, opsets: str = "12", more: str = "") -> list[Result]:
    return run_model(tiny.run(tiny.plan(model, opsets=opsets, more=more)))


def test_a_model_is_published_and_then_left_alone(tiny: FakeSource) -> None:
    results = _run(tiny, "net", "6, 12")
    assert [(result.unit, result.status, result.reason) for result in results] == [
        ("tiny/net@6", "published", ""),
        ("tiny/net@12", "published", ""),
    ]
    assert results[1].runtimes == "onnxruntime ok, openvino ok"
    assert tiny.published == ["net-12.onnx", "net-6.onnx"]
    assert not (tiny.folder / "work/tiny/net").exists()
    again = tiny.plan("net", opsets="6, 12")
    assert all(unit.done for unit in again.units)
    assert [result.status for result in run_model(tiny.run(again))] == ["done before"] * 2
