"""Files of opsets 3 to 6 in the runtimes that are asked there: the judge and the second opinions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from parity.runtimes.registry import RUNTIMES, asked_at
from parity.verdict import Verdict
from tests.parity import calls, old_models
from tests.parity.old_models import OLD_OPSETS, WITH_AXIS, WITHOUT_AXIS

pytestmark = pytest.mark.slow


def verdict(model: onnx.ModelProto, opset: int, folder: Path, addition: str = WITHOUT_AXIS) -> Verdict:
    onnx.save(model, folder / "old.onnx")
    references = old_models.references(folder, addition)
    return calls.verdict(folder / "old.onnx", opset, old_models.INPUTS, references, folder)


def outcomes(result: Verdict) -> dict[str, str]:
    return {name: runtime.outcome for name, runtime in result.runtimes.items()}


def test_who_is_asked_where() -> None:
    for opset in OLD_OPSETS:
        assert asked_at(opset) == ("openvino", "opencv", "onnxruntime-raised")
    for opset in range(7, 13):
        assert asked_at(opset) == ("onnxruntime", "openvino")
    for opset in range(3, 13):
        assert any(RUNTIMES[name].JUDGE and RUNTIMES[name].INDEPENDENT for name in asked_at(opset))
    assert not RUNTIMES["onnxruntime-raised"].INDEPENDENT


@pytest.mark.parametrize("opset", OLD_OPSETS)
def test_a_right_model_passes_in_all(opset: int, tmp_path: Path) -> None:
    result = verdict(old_models.old_model(opset), opset, tmp_path)
    assert (result.status, result.reason, result.dissent) == ("passed", "", "")
    assert all(runtime.agrees for runtime in result.runtimes.values())
    assert "raised to opset 9 by our own rules" in result.runtimes["onnxruntime-raised"].version
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("opset", [3, 6])
def test_one_wrong_weight_fails_in_all(opset: int, tmp_path: Path) -> None:
    bias = old_models.WEIGHTS["bias"].copy()
    bias[2] += np.float32(0.1)
    result = verdict(old_models.old_model(opset, bias=bias), opset, tmp_path)
    assert result.status == "failed"
    assert not any(runtime.agrees for runtime in result.runtimes.values())


@pytest.mark.parametrize("opset", [3, 6])
def test_opencv_ignores_the_axis_and_its_dissent_is_told(opset: int, tmp_path: Path) -> None:
    result = verdict(old_models.old_model(opset, WITH_AXIS), opset, tmp_path, WITH_AXIS)
    assert result.status == "passed"
    assert result.dissent == "opencv disagrees with the reference on noise-1, noise-3"
    assert result.runtimes["openvino"].agrees
    assert result.runtimes["onnxruntime-raised"].agrees
    assert result.to_dict()["dissent"] == result.dissent


def test_a_broadcast_without_its_attribute_is_invalid_though_the_others_forgive_it(tmp_path: Path) -> None:
    model = old_models.old_model(6)
    (multiply,) = (node for node in model.graph.node if node.op_type == "Mul")
    del multiply.attribute[:]
    onnx.checker.check_model(model, full_check=True)
    result = verdict(model, 6, tmp_path)
    assert outcomes(result) == {"openvino": "ran", "opencv": "ran", "onnxruntime-raised": "invalid"}
    assert result.runtimes["openvino"].agrees
    assert result.status == "failed"
    assert "Mul 'scaled' broadcasts as its opset does not" in result.reason


def test_what_second_opinions_do_not_support_is_recorded(tmp_path: Path) -> None:
    model = old_models.old_model(6)
    model.opset_import.append(onnx.helper.make_opsetid("other", 1))
    model.graph.node[0].domain = "other"
    result = verdict(model, 6, tmp_path)
    assert set(outcomes(result).values()) == {"unsupported"}
    assert result.status == "inconclusive"
    assert "other.Conv" in result.reason
