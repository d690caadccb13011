"""Opsets above the one that an exporter ends at: its file is raised, verified and published like all."""

from __future__ import annotations

import onnx
import pytest

from opsets import ir_version
from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow

OPSETS = (3, 12, 13, 17, 21)


def test_a_model_is_published_below_and_above_its_export(tiny: FakeSource) -> None:
    """The source writes opset 12, whatever it is asked for."""
    path = tiny.write("net", opsets=", ".join(map(str, OPSETS)))
    answer = tiny.command("run", path.name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert tiny.published == sorted(f"net-{opset}.onnx" for opset in OPSETS)
    for opset in OPSETS:
        file = tiny.folder / f"dist/tiny/net/model/net-{opset}.onnx"
        model = onnx.load(file)
        onnx.checker.check_model(model, full_check=True)
        assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
        assert model.ir_version == ir_version(opset)
        record = tiny.record(opset=opset)
        assert record["opset"] == opset
        verdict = record["verdict"]
        assert isinstance(verdict, dict)
        assert verdict["status"] == "passed"
        agreeing = {name for name, runtime in verdict["runtimes"].items() if runtime["outcome"] == "ran"}
        assert {"openvino"} | ({"onnxruntime"} if opset >= 7 else set()) <= agreeing
    assert "all 5 units are published" in tiny.command("run", path.name).stderr
    checked = tiny.command("verify", "dist")
    assert checked.returncode == 0, checked.stdout + checked.stderr
