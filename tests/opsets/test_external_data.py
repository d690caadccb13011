"""Data beside the model, in tensors of every size, as torch's exporter and onnx_ir write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from opsets import retarget, retarget_file
from tests.opsets.comparing import assert_same_numbers

SIZES = (4, 16, 256, 996, 1000, 1004, 1020, 1024, 1028)
"""Bytes; around the limits below which a tensor is taken into the model, and the checker sees it."""


def _model(*sizes: int) -> onnx.ModelProto:
    """Biases of ``sizes`` bytes and a shape, which is to be seen by whoever checks the model."""
    nodes, weights, outputs = [], [], []
    for size in sizes:
        count = size // 4
        array = np.random.default_rng(size).normal(size=count).astype(np.float32)
        weights.append(numpy_helper.from_array(array, f"w{size}"))
        weights.append(numpy_helper.from_array(np.array([count, -1]), f"shape{size}"))
        nodes.append(helper.make_node("Add", ["x", f"w{size}"], [f"sum{size}"]))
        nodes.append(helper.make_node("Reshape", [f"sum{size}", f"shape{size}"], [f"y{size}"]))
        outputs.append(helper.make_tensor_value_info(f"y{size}", TensorProto.FLOAT, [count, None]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1])
    graph = helper.make_graph(nodes, "g", [x], outputs, weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


def _assert_comes_down(model: onnx.ModelProto, source: Path, target: int) -> None:
    destination = source.with_name("out.onnx")
    retarget_file(source, target, destination)
    written = destination.read_bytes()
    assert str(source.parent).encode() not in written
    held = onnx.load(source)
    for tensor in held.graph.initializer:
        tensor.ClearField("data_location")
    assert written == retarget(held, target).SerializeToString(deterministic=True)
    assert_same_numbers(model, onnx.load_from_string(written))


@pytest.mark.parametrize("target", range(3, 13))
def test_every_size_is_read_at_every_opset(tmp_path: Path, target: int) -> None:
    model, source = _model(*SIZES), tmp_path / "model.onnx"
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.save(copy, source, save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    _assert_comes_down(model, source, target)


@pytest.mark.parametrize("size", SIZES)
def test_so_is_each_size_alone_as_onnx_ir_writes_it(tmp_path: Path, size: int) -> None:
    model, source = _model(size), tmp_path / "model.onnx"
    ir.save(ir.from_proto(model), source, external_data="model.data", size_threshold_bytes=0)
    assert (tmp_path / "model.data").stat().st_size >= size
    _assert_comes_down(model, source, 12)
