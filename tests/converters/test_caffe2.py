"""Pairs of Caffe2 nets: what Caffe2 computes with them is what their ONNX files compute."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from converters.registry import SOURCES
from parity.compare import Tolerance, compare
from pipeline.errors import WorkerError
from tests.converters.caffe2_pairs import BEGIN, NETS, SMALL
from tests.converters.conftest import Export, Exported, RunIn

pytestmark = pytest.mark.caffe2

OWN_WEIGHTS = {"kind": "random", "seed": 0}


def export_pair(export: Export, folder: Path, height: int, width: int) -> Exported:
    """Export the pair in ``folder`` for RGB pictures of the size given."""
    size = {"input_size": [3, height, width], "resize": min(height, width), "crop_mode": "squash"}
    colours = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "colour": "RGB", "interpolation": "bilinear"}
    return export("caffe2", str(folder), OWN_WEIGHTS, **size, **colours)


def _assert_equal(exported: Exported) -> onnx.ModelProto:
    """The file is valid, and computes Caffe2's own outputs at batch 1 and 3."""
    model = onnx.load(exported.model)
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, model.opset_import[0].version) == (7, 12)
    session = onnxruntime.InferenceSession(exported.model, providers=["CPUExecutionProvider"])
    [port], [result] = session.get_inputs(), session.get_outputs()
    assert (port.shape[0], result.shape[0]) == ("batch", "batch")
    assert {array.shape[0] for array in exported.inputs.values()} == {1, 3}
    for name, array in exported.inputs.items():
        [output] = session.run(None, {port.name: array})
        assert np.ptp(exported.outputs[name]) > 0.01
        comparison = compare(exported.outputs[name], output, Tolerance())
        assert comparison.passed, f"{name}: {comparison.reason}"
    return model


@pytest.mark.parametrize("net", NETS)
def test_a_pair_of_nets_computes_what_caffe2_computes(
    export: Export, run_in: RunIn, tmp_path: Path, net: str
) -> None:
    run_in("caffe2", BEGIN + NETS[net])
    _assert_equal(export_pair(export, tmp_path / "pair", 13, 11))


def test_the_nets_hold_every_operator_that_is_translated(run_in: RunIn, tmp_path: Path) -> None:
    folders = [str(SOURCES["caffe2"].folder), str(SOURCES["caffe2"].folder.parent / "worker")]
    code = f"import sys; sys.path[:0] = {folders!r}\nfrom caffe2_operators import TRANSLATIONS\n"
    run_in("caffe2", code + "open('known', 'w').write(' '.join(TRANSLATIONS))\n")
    translated = set((tmp_path / "known").read_text().split())
    synonyms = {"Conv2D", "MaxPool2D", "AveragePool2D", "DepthConcat", "Copy", "Alias"}
    used = set(re.findall(r'op\("(\w+)"', BEGIN + SMALL + "".join(NETS.values())))
    assert translated - synonyms <= used


def test_the_reference_is_what_caffe2_computes_with_the_whole_pair(
    export: Export, run_in: RunIn, tmp_path: Path
) -> None:
    run_in("caffe2", BEGIN + SMALL + "save('probabilities')\n")
    exported = export_pair(export, tmp_path / "pair", 12, 10)
    inputs: dict[str, Any] = dict(exported.inputs)
    np.savez(tmp_path / "inputs.npz", **inputs)
    run_in("caffe2", _RUN_WHOLE_NETS)
    with np.load(tmp_path / "outputs.npz", allow_pickle=False) as outputs:
        for name in exported.inputs:
            np.testing.assert_array_equal(exported.outputs[name], outputs[name])


_RUN_WHOLE_NETS = """
import numpy as np
from caffe2.python import workspace

with open("pair/init_net.pb", "rb") as init, open("pair/predict_net.pb", "rb") as predict:
    with np.load("inputs.npz", allow_pickle=False) as inputs:
        predictor = workspace.Predictor(init.read(), predict.read())
        outputs = {name: predictor.run({"data": inputs[name]})[0] for name in inputs.files}
np.savez("outputs.npz", **outputs)
"""


def test_names_weights_and_counts_are_those_of_the_nets(
    export: Export, run_in: RunIn, tmp_path: Path
) -> None:
    run_in("caffe2", BEGIN + NETS["normalisations"] + _SAVE_ARRAYS)
    exported = export_pair(export, tmp_path / "pair", 13, 11)
    graph = onnx.load(exported.model).graph
    assert [value.name for value in graph.input] == ["data"]
    assert [value.name for value in graph.output] == ["probabilities"]
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as arrays:
        assert set(stored) == set(arrays.files)
        for name, values in stored.items():
            np.testing.assert_array_equal(values, arrays[name])
    assert {"conv", "lrn", "bn", "largest"} < {name for node in graph.node for name in node.output}
    assert exported.answer["parameters"] == 9 * 3 * 3 * 3 + 9 + 2 * 9  # running statistics are not learned
    assert exported.answer["weights"]["tensors"] == 6
    assert exported.answer["weights"]["origin"] == "init_net.pb of the model folder"


_SAVE_ARRAYS = """
arrays = {}
for fill in init_net.op:
    assert [argument.name for argument in fill.arg] == ["shape", "values"]
    arrays[fill.output[0]] = np.array(fill.arg[1].floats, "float32").reshape(fill.arg[0].ints)
np.savez("arrays.npz", **arrays)
"""


def test_values_in_packed_form_are_read_too(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    """Caffe2 writes a tag before each value; other writers of protobuf need not."""
    run_in("caffe2", BEGIN + SMALL + "save('probabilities')\n" + _PACK)
    plain, packed = (export_pair(export, tmp_path / name, 12, 10) for name in ("pair", "packed"))
    assert plain.model.read_bytes() == packed.model.read_bytes()


_PACK = """
def field(number, payload):
    length, size = len(payload), bytearray([number << 3 | 2])
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes(size) + bytes([length]) + payload

written = b""
for fill in init_net.op:
    values = np.array(fill.arg[1].floats, "<f4").tobytes()
    del fill.arg[1].floats[:]
    packed = field(5, fill.arg[1].SerializeToString() + field(5, values))
    del fill.arg[1]
    written += field(2, fill.SerializeToString() + packed)
os.mkdir("packed")
open("packed/init_net.pb", "wb").write(written)
open("packed/predict_net.pb", "wb").write(predict_net.SerializeToString())
"""


def test_devices_and_engines_of_the_machine_that_wrote_the_nets_do_not_matter(
    export: Export, run_in: RunIn, tmp_path: Path
) -> None:
    elsewhere = (
        "for net in (predict_net, init_net):\n"
        "    net.device_option.device_type = 1\n"
        "    for operator in net.op:\n"
        "        operator.device_option.device_type, operator.engine = 1, 'CUDNN'\n"
        "predict_net.type, predict_net.num_workers = 'dag', 4\n"
    )
    run_in("caffe2", BEGIN + SMALL + elsewhere + "save('probabilities')\n")
    exported = export_pair(export, tmp_path / "pair", 12, 10)
    _assert_equal(exported)
    assert exported.outputs["noise-3"].shape == (3, 10)


def test_the_weights_of_a_named_net_may_be_its_init_net(
    export: Export, run_in: RunIn, tmp_path: Path
) -> None:
    drawn = export("caffe2", "squeezenet")
    tensors = onnx.load(drawn.model).graph.initializer
    arrays: dict[str, Any] = {tensor.name: numpy_helper.to_array(tensor) for tensor in tensors}
    np.savez(tmp_path / "weights.npz", **arrays)
    run_in("caffe2", BEGIN + _FILL_FROM_ARRAYS)
    by_name, in_order = (
        export("caffe2", "squeezenet", {"kind": "file", "path": str(tmp_path / file)})
        for file in ("same_names.pb", "other_names.pb")
    )
    assert by_name.answer["weights"]["origin"] == "same_names.pb, matched by name"
    assert in_order.answer["weights"]["origin"] == "other_names.pb, matched in order"
    assert drawn.model.read_bytes() == by_name.model.read_bytes() == in_order.model.read_bytes()
    for name, expected in drawn.outputs.items():
        np.testing.assert_array_equal(by_name.outputs[name], expected)
    with pytest.raises(WorkerError, match=r"conv10_b.* is missing"):
        export("caffe2", "squeezenet", {"kind": "file", "path": str(tmp_path / "missing.pb")})
    with pytest.raises(WorkerError, match="the operator 'Load', and only operators that fill parameters"):
        export("caffe2", "squeezenet", {"kind": "file", "path": str(tmp_path / "evil.pb")})


_FILL_FROM_ARRAYS = """
def write(file, *more):
    init_net.op.extend(more)
    with open(file, "wb") as stream:
        stream.write(init_net.SerializeToString())

with np.load("weights.npz", allow_pickle=False) as arrays:
    for name in arrays.files:
        given = {"shape": arrays[name].shape, "values": arrays[name]}
        init_net.op.append(core.CreateOperator("GivenTensorFill", [], [name], **given))
write("same_names.pb", core.CreateOperator("ConstantFill", [], ["data"], shape=[1]))
del init_net.op[-1]
for position, fill in enumerate(init_net.op):
    fill.output[0] = "blob%d" % position
write("other_names.pb")
for fill, name in zip(init_net.op, arrays.files):
    fill.output[0] = name
last = [position for position, fill in enumerate(init_net.op) if fill.output[0] == "conv10_b"][0]
del init_net.op[last]
write("missing.pb")
write("evil.pb", core.CreateOperator("Load", [], ["conv10_b"], db="ran", db_type="minidb"))
"""


def test_what_caffe2_cannot_give_is_said(export: Export) -> None:
    with pytest.raises(
        WorkerError, match=r"no published weights of squeezenet can be had any more.*a folder"
    ):
        export("caffe2", "squeezenet", {"kind": "pretrained"})
    with pytest.raises(WorkerError, match="has no other form for inference: leave out reparameterise"):
        export("caffe2", "squeezenet", reparameterise=True)
