"""Products of bytes with a scale per channel, said in floats: OpenVINO reads them, and computes the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper, numpy_helper

from parity.channel_scales import say_in_floats
from parity.exact import evaluate
from parity.runtimes import openvino_cpu
from parity.runtimes.interface import UnsupportedError
from parity.runtimes.openvino_cpu import LARGEST
from parity.saturation import saturates

Array = npt.NDArray[Any]


def _model(weight: Array, scales: Array, operator: str, **attributes: Any) -> onnx.ModelProto:
    """QuantizeLinear, the operator, DequantizeLinear; a bias where it is a convolution."""
    outputs = weight.shape[0] if operator == "QLinearConv" else weight.shape[1]
    constants: dict[str, Array] = {
        "xs": np.array(0.02, np.float32), "xz": np.array(128, np.uint8), "w": weight, "ws": scales,
        "wz": np.full(scales.shape, 128 if weight.dtype == np.uint8 else 0, weight.dtype),
        "ys": np.array(0.05, np.float32), "yz": np.array(100, np.uint8),
        "b": np.arange(outputs, dtype=np.int32) * 100,
    }  # fmt: skip
    names = ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["q"]),
        helper.make_node(
            operator, [*names, *(["b"] if operator == "QLinearConv" else [])], ["p"], **attributes
        ),
        helper.make_node("DequantizeLinear", ["p", "ys", "yz"], ["y"]),
    ]
    sizes: list[str | int | None] = ["N", 4, 6, 6] if operator == "QLinearConv" else ["N", 4]
    ports = [
        helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, sizes),
        helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", outputs, *sizes[2:]]),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], tensors)
    return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 12)])


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize(
    ("operator", "shape", "attributes"),
    [
        ("QLinearConv", (8, 4, 3, 3), {"pads": [1] * 4}),
        ("QLinearConv", (8, 1, 3, 3), {"pads": [1] * 4, "group": 4}),
        ("QLinearMatMul", (4, 8), {}),
    ],
)
def test_openvino_computes_what_exact_arithmetic_does(
    operator: str, shape: tuple[int, ...], attributes: dict[str, Any], kind: type[Any], tmp_path: Path
) -> None:
    """On every processor: where those of 16 bits saturate, signed weights are small enough."""
    random = np.random.default_rng(0)
    signed = random.integers(-LARGEST, LARGEST, shape, endpoint=True)
    weight = (signed if kind is np.int8 else random.integers(0, 256, shape)).astype(kind)
    scales = random.uniform(0.005, 0.03, 8).astype(np.float32)
    model = _model(weight, scales, operator, **attributes)
    onnx.save(model, tmp_path / "model.onnx")
    data = random.normal(size=(3, 4, 6, 6) if operator == "QLinearConv" else (3, 4)).astype(np.float32)
    [exact] = evaluate(model, {"x": data})
    found = openvino_cpu.run(tmp_path / "model.onnx", {"a": [data]}, 1)["a"][0]
    assert np.abs(exact - found).max() <= 0.05 + 1e-6  # one level, where a sum lies between two
    assert (np.abs(exact - found) > 1e-6).mean() < 0.02
    assert np.ptp(exact) > 1


@pytest.mark.parametrize(
    ("operator", "shape", "attributes"),
    [("QLinearConv", (8, 4, 3, 3), {"pads": [1] * 4}), ("QLinearMatMul", (4, 8), {})],
)
def test_openvino_is_not_believed_where_a_processor_may_saturate(
    operator: str, shape: tuple[int, ...], attributes: dict[str, Any], tmp_path: Path
) -> None:
    weight = np.full(shape, LARGEST + 1, np.int8)
    model = _model(weight, np.full(8, 0.01, np.float32), operator, **attributes)
    onnx.save(model, tmp_path / "model.onnx")
    data = np.full((3, 4, 6, 6) if operator == "QLinearConv" else (3, 4), 100, np.float32)
    if saturates():
        with pytest.raises(UnsupportedError, match="saturates"):
            openvino_cpu.run(tmp_path / "model.onnx", {"a": [data]}, 1)
        return
    [exact] = evaluate(model, {"x": data})
    assert np.abs(exact - openvino_cpu.run(tmp_path / "model.onnx", {"a": [data]}, 1)["a"][0]).max() < 0.06


def test_one_scale_for_all_stays_as_it_is() -> None:
    model = _model(np.ones((8, 4, 3, 3), np.int8), np.array(0.1, np.float32), "QLinearConv", pads=[1] * 4)
    before = model.SerializeToString(deterministic=True)
    assert not say_in_floats(model)
    assert model.SerializeToString(deterministic=True) == before
