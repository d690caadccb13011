"""Cast of the opsets below 6, whose type has a name: OpenVINO reads its number, and computes what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, parser

from parity.cast_types import say_in_numbers
from parity.file_marks import NAMED_TYPE, may_hold
from parity.runtimes import openvino_cpu
from parity.runtimes.interface import InvalidModelError

WHOLE = """
<ir_version: 3, opset_import: ["": 4]>
g (float[N, 3] x) => (float[N, 3] y) {
  whole = Cast <to = "INT32"> (x)
  y = Cast <to = "FLOAT"> (whole)
}"""
IN_A_BODY = """
<ir_version: 3, opset_import: ["": 4]>
g (float[N, 3] x, bool c) => (float[N, 3] y) {
  y = If (c) <
    then_branch = a () => (float[N, 3] s) { t = Cast <to = "INT32"> (x) s = Cast <to = "FLOAT"> (t) },
    else_branch = b () => (float[N, 3] o) { o = Neg (x) }>
}"""


@pytest.mark.parametrize("opset", range(3, 6))
def test_openvino_computes_what_a_type_by_its_name_says(opset: int, tmp_path: Path) -> None:
    model = parser.parse_model(WHOLE)
    model.opset_import[0].version = opset
    onnx.save(model, tmp_path / "model.onnx")
    assert may_hold(tmp_path / "model.onnx", [NAMED_TYPE])
    data = np.array([[1.5, -1.5, 0.25], [7.75, -0.5, 3.0]], np.float32)
    [found] = openvino_cpu.run(tmp_path / "model.onnx", {"a": [data]}, 1)["a"]
    assert found.tolist() == np.trunc(data).tolist()


def test_another_type_is_another_answer(tmp_path: Path) -> None:
    """What the file says is what is computed, even where it is wrong."""
    onnx.save(parser.parse_model(WHOLE.replace("INT32", "BOOL")), tmp_path / "model.onnx")
    [found] = openvino_cpu.run(tmp_path / "model.onnx", {"a": [np.full((2, 3), 4.5, np.float32)]}, 1)["a"]
    assert found.tolist() == [[1.0] * 3] * 2


def test_a_type_that_there_is_not_is_told(tmp_path: Path) -> None:
    onnx.save(parser.parse_model(WHOLE.replace("INT32", "INT33")), tmp_path / "model.onnx")
    with pytest.raises(InvalidModelError, match="names the type 'INT33', and there is none"):
        openvino_cpu.run(tmp_path / "model.onnx", {"a": [np.ones((1, 3), np.float32)]}, 1)


def test_casts_in_a_body_are_found() -> None:
    model = parser.parse_model(IN_A_BODY)
    assert say_in_numbers(model)
    [then] = [each.g for each in model.graph.node[0].attribute if each.name == "then_branch"]
    assert [helper.get_node_attr_value(node, "to") for node in then.node] == [
        onnx.TensorProto.INT32,
        onnx.TensorProto.FLOAT,
    ]


def test_a_type_by_its_number_stays_as_it_is() -> None:
    model = parser.parse_model(
        '<ir_version: 7, opset_import: ["": 12]> g (float[N] x) => (int64[N] y) { y = Cast <to = 7> (x) }'
    )
    before = model.SerializeToString(deterministic=True)
    assert NAMED_TYPE not in before
    assert not say_in_numbers(model)
    assert model.SerializeToString(deterministic=True) == before
