"""Models and test data that are not as they should be, though the lists of their zoo say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from publishing.archive import DataSet
from tests.pipeline.verify.verifying import (
    FOLDER,
    UNIT,
    Verify,
    make_zoo,
    renamed,
    rewrite_archive,
    with_model,
)
from tests.publishing import verified_zoo

pytestmark = pytest.mark.slow


def stamped(opset: int, ir: int) -> onnx.ModelProto:
    model = verified_zoo.network(opset)
    model.ir_version = ir
    return model


def listed_inputs(opset: int, listed: bool) -> onnx.ModelProto:
    model = verified_zoo.network(opset)
    for tensor in model.graph.initializer if listed else ():
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, 1, tensor.dims))
    del model.graph.input[3 if listed else 1 :]
    return model


def with_names() -> onnx.ModelProto:
    model = verified_zoo.network(12)
    model.metadata_props.add(key="names", value='{"0": "cat"}')
    return model


def unchecked() -> onnx.ModelProto:
    model = verified_zoo.network(12)
    model.graph.node[0].input.append("image")
    return model


def with_data_beside() -> onnx.ModelProto:
    model = verified_zoo.network(12)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    return model


MODELS: dict[str, tuple[Callable[[], onnx.ModelProto], int, str]] = {
    "newer IR": (lambda: stamped(12, 8), 12, "has IR version 8, and a file of opset 12 has 7: runtimes"),
    "IR of opset 7": (lambda: stamped(7, 4), 7, "has IR version 4, and a file of opset 7 has 3"),
    "weights are inputs": (
        lambda: listed_inputs(12, True),
        12,
        "are inputs, so that no runtime can fold them",
    ),
    "weights are none": (
        lambda: listed_inputs(7, False),
        7,
        "has initialisers that are no inputs, as IR version 3",
    ),
    "names of classes": (with_names, 12, "names its classes otherwise than its record, under names in its"),
    "checker": (unchecked, 12, "does not pass the ONNX checker: Node"),
    "data beside": (with_data_beside, 12, "cannot be read: "),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_that_is_not_as_it_should_be_is_told(kind: str, verified: Verify, tmp_path: Path) -> None:
    make, opset, words = MODELS[kind]
    well, lines = verified(with_model(tmp_path, make(), opset))
    assert not well
    about_it = [line for line in lines if line.startswith(f"{FOLDER}/tiny-{opset}.onnx: ")]
    assert any(words in line for line in about_it), lines


def test_a_wrong_opset_stamp_is_told(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    content = verified_zoo.network(11).SerializeToString()
    (zoo / f"{UNIT}.onnx").write_bytes(content)
    rewrite_archive(zoo / f"{UNIT}.tar.gz", lambda name, old: content if name.endswith(".onnx") else old)
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert f"{UNIT}.onnx: is of opset 11, and its record says 12" in lines


def test_what_is_no_model_is_told(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    (zoo / f"{UNIT}.onnx").write_bytes(b"not a model")
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert any(line.startswith(f"{UNIT}.onnx: cannot be read: it is not an ONNX model") for line in lines)
    assert any(line.startswith(f"{UNIT}.tar.gz: holds a model of ") for line in lines)


def test_another_model_in_the_archive_is_told(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    content = verified_zoo.network(12, verified_zoo.KERNEL[::-1].copy()).SerializeToString()
    rewrite_archive(zoo / f"{UNIT}.tar.gz", lambda name, old: content if name.endswith(".onnx") else old)
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert any(line.startswith(f"{UNIT}.tar.gz: holds another model than {UNIT}.onnx: its") for line in lines)
    assert any(
        line.startswith(f"{UNIT}.tar.gz: its test data fails: onnxruntime disagrees") for line in lines
    )


def array(values: np.ndarray) -> Callable[[bytes], bytes]:
    return lambda _old: bytes(numpy_helper.from_array(values, "image").SerializeToString())


def elsewhere(content: bytes) -> bytes:
    tensor = onnx.TensorProto.FromString(content)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return bytes(tensor.SerializeToString())


DATA: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "name": ("input_0", renamed("data"), "is called 'data', and the graph's input is 'image'"),
    "output's name": ("output_0", renamed("image"), "is called 'image', and the graph's output is 'logits'"),
    "no name": ("input_0", renamed(""), "has no name, and the graph's input is 'image'"),
    "type": (
        "input_0",
        array(np.zeros((1, 3, 8, 8))),
        "is float64 of shape [1, 3, 8, 8], and the graph's",
    ),
    "shape": ("input_0", array(np.zeros((1, 3, 9, 8), np.float32)), "is float32 of shape [1, 3, 9, 8], and"),
    "other input": (
        "input_0",
        array(np.zeros((1, 3, 8, 8), np.float32)),
        "does not hold the input that its record describes",
    ),
    "no tensor": ("output_0", lambda _old: b"\xff\xff", "is no tensor: "),
    "elsewhere": ("output_0", elsewhere, "keeps its values in another file, and must hold them itself"),
}


@pytest.mark.parametrize("kind", DATA)
def test_wrong_test_data_is_told(kind: str, verified: Verify, tmp_path: Path) -> None:
    port, change, words = DATA[kind]
    zoo = make_zoo(tmp_path)
    wanted = f"test_data_set_0/{port}.pb"
    rewrite_archive(zoo / f"{UNIT}.tar.gz", lambda name, old: change(old) if name.endswith(wanted) else old)
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert any(line.startswith(f"{UNIT}.tar.gz: {wanted} {words}") for line in lines), lines


@pytest.mark.parametrize("opset", [3, 12])
def test_wrong_numbers_are_told(opset: int, verified: Verify, tmp_path: Path) -> None:
    first, second = verified_zoo.data_sets()
    wrong = DataSet(second.inputs, [np.multiply(second.outputs[0], 1.01, dtype=np.float32)])
    well, lines = verified(with_model(tmp_path, verified_zoo.network(opset), opset, [first, wrong]))
    assert not well
    judge = "onnxruntime" if opset == 12 else "openvino"
    words = (
        f"its test data fails: {judge} disagrees with the reference on test_data_set_1: relative error 0.0099"
    )
    assert lines[-2].startswith(f"{FOLDER}/tiny-{opset}.tar.gz: {words}")
