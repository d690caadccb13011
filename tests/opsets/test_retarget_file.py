"""Files: whole or not at all, readable by others, and clear words for what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from opsets import RetargetError, retarget, retarget_file
from opsets.retargeting import Report
from tests.opsets.comparing import parse

MODEL = parse(13, "g (float[N,4,6] x) => (float[N,4,6] y) { y = Softmax<axis=1>(x) }")


def test_the_file_is_the_retargeted_model_and_readable(tmp_path: Path) -> None:
    source, destination = tmp_path / "model.onnx", tmp_path / "model-12.onnx"
    onnx.save(MODEL, source)
    umask = os.umask(0o022)
    try:
        report = retarget_file(source, 12, destination)
    finally:
        os.umask(umask)
    assert report == Report((destination,), 13, ("Softmax 13 to 12: 1 node",), ())
    assert onnx.load(destination) == retarget(MODEL, 12)
    assert destination.stat().st_mode & 0o777 == 0o644
    assert sorted(tmp_path.iterdir()) == [destination, source]


def _weight(name: str, seed: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.random.default_rng(seed).normal(size=(32, 32)).astype(np.float32), name)


def model_with_large_weights() -> onnx.ModelProto:
    """Weights of 4 KiB as initialisers and Constants, in the graph and in the branches of an If."""
    yes, no, chosen, out = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [32, 32])
        for name in ("yes", "no", "chosen", "out")
    )
    constant = helper.make_node("Constant", [], ["yes"], value=_weight("", 1))
    negative = helper.make_node("Neg", ["weight_2"], ["no"])
    nodes = [
        helper.make_node(
            "If",
            ["flag"],
            ["chosen"],
            then_branch=helper.make_graph([constant], "then", [], [yes]),
            else_branch=helper.make_graph([negative], "else", [], [no], [_weight("weight_2", 2)]),
        ),
        helper.make_node("Constant", [], ["constant"], value=_weight("", 3)),
        helper.make_node("MatMul", ["chosen", "constant"], ["first"]),
        helper.make_node("MatMul", ["first", "weight"], ["second"]),
        helper.make_node("Softmax", ["second"], ["out"], axis=0),
    ]
    flag = helper.make_tensor_value_info("flag", onnx.TensorProto.BOOL, [])
    graph = helper.make_graph(nodes, "g", [flag], [out], [_weight("weight", 4)], value_info=[chosen])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


@pytest.mark.parametrize("target", [12, 9, 7, 3])
def test_weights_on_disk_and_in_memory_give_the_same_bytes(tmp_path: Path, target: int) -> None:
    source, destination = tmp_path / "model.onnx", tmp_path / "out.onnx"
    model = model_with_large_weights()
    onnx.save(model, source)
    retarget_file(source, target, destination)
    assert destination.read_bytes() == retarget(model, target).SerializeToString(deterministic=True)
    onnx.checker.check_model(destination, full_check=True)
    weights = {tensor.name: tensor.raw_data for tensor in onnx.load(destination).graph.initializer}
    assert weights["weight"] == _weight("weight", 4).raw_data
    assert weights["constant"] == _weight("", 3).raw_data


def test_the_source_may_be_the_destination(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    onnx.save(MODEL, file)
    retarget_file(file, 12, file)
    assert onnx.load(file) == retarget(MODEL, 12)


def test_a_refused_model_leaves_the_destination_as_it_was(tmp_path: Path) -> None:
    source, destination = tmp_path / "model.onnx", tmp_path / "model-11.onnx"
    onnx.save(MODEL, source)
    destination.write_bytes(b"what was there")
    with pytest.raises(RetargetError, match=r"model\.onnx: opset 2 is out of range"):
        retarget_file(source, 2, destination)
    assert destination.read_bytes() == b"what was there"
    assert sorted(tmp_path.iterdir()) == [destination, source]


def test_weights_beside_the_model_that_are_missing_leave_no_file(tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    onnx.save(model_with_large_weights(), source, save_as_external_data=True, location="data")
    (tmp_path / "data").unlink()
    with pytest.raises(RetargetError, match=r"model\.onnx: the data of the tensor .* in 'data' is missing"):
        retarget_file(source, 12, tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == [source]


def test_a_destination_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    source, destination = tmp_path / "model.onnx", tmp_path / "folder"
    onnx.save(MODEL, source)
    destination.mkdir()
    with pytest.raises(OSError, match="folder"):
        retarget_file(source, 12, destination)
    assert sorted(tmp_path.iterdir()) == [destination, source]


@pytest.mark.parametrize("kept", [0, 1, 5, 40, 100, 200])
def test_a_truncated_file_is_named(tmp_path: Path, kept: int) -> None:
    source = tmp_path / "cut.onnx"
    model = onnx.ModelProto()
    model.CopyFrom(MODEL)
    weights = np.ones((4, 6), dtype=np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "weights"))
    source.write_bytes(model.SerializeToString()[:kept])
    with pytest.raises(RetargetError, match=r"cut\.onnx"):
        retarget_file(source, 12, tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("name", ["missing.onnx", "words.onnx", "words.txt", "words.json"])
def test_what_is_no_model_is_named(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    if "words" in name:
        source.write_text("this is not a model")
    with pytest.raises(RetargetError, match=f"{name}"):
        retarget_file(source, 12, tmp_path / "out.onnx")
