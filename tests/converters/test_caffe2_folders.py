"""Folders that are no pair of Caffe2 nets: each is refused with one clear message, and runs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import WorkerError
from tests.converters.caffe2_pairs import BEGIN, SMALL
from tests.converters.conftest import Export, RunIn
from tests.converters.hostile import POINTED_AT, POINTER
from tests.converters.test_caffe2 import export_pair

pytestmark = pytest.mark.caffe2

SAVE = "save('probabilities')\n"


def _refusal(export: Export, folder: Path) -> str:
    with pytest.raises(WorkerError) as caught:
        export_pair(export, folder, 12, 10)
    message = str(caught.value)
    assert "ends with" not in message  # a foreseen failure shows no log
    assert "frame #" not in message
    assert "\n" not in message
    assert not list(folder.parent.rglob("ran"))
    return message


SPOILED = {
    "an unknown operator": (
        "op('PadImage', 'conv1', 'conv1', pad=1)\n" + SAVE,
        "PadImage: these operators have no translation to ONNX, and are not run",
    ),
    "an operator that writes files": (
        "op('Save', 'data', '', absolute_path=1, db='ran', db_type='minidb')\n"
        "predict_net.op[-1].output[:] = []\n" + SAVE,
        "Save: these operators have no translation to ONNX, and are not run",
    ),
    "an init net that reads files": (
        "init_net.op.append(core.CreateOperator('Load', [], ['conv1_b'], db='ran', db_type='minidb'))\n"
        + SAVE,
        "init_net.pb holds the operator 'Load', and only operators that fill parameters are run",
    ),
    "an init net that copies": (
        "init_net.op.append(core.CreateOperator('ConstantFill', ['conv1_b'], ['x'], input_as_shape=1))\n"
        + SAVE,
        "ConstantFill has 1 inputs and 1 outputs, needed none and one",
    ),
    "a filling that fails": (
        "op = core.CreateOperator('GivenTensorIntFill', [], ['scores_b'], shape=[5], values=[1] * 4)\n"
        "init_net.op.append(op)\n" + SAVE,
        "init_net.pb: GivenTensorIntFill cannot fill scores_b: ",
    ),
    "a negative size": (
        "init_net.op.append(core.CreateOperator('XavierFill', [], ['scores_b'], shape=[-5]))\n" + SAVE,
        "init_net.pb gives scores_b the shape (-5,), which no parameter of an ONNX file can have",
    ),
    "two negative sizes with as many values as their product": (
        "init_net.op[0].arg[0].ints[:] = [-4, 3, 3, -3]\n" + SAVE,
        "init_net.pb gives conv1_w the shape (-4, 3, 3, -3), which no parameter of an ONNX file can have",
    ),
    "a size of 2**64 values, which is 0 in 64 bits": (
        "del init_net.op[0].arg[1].floats[:]\ninit_net.op[0].arg[0].ints[:] = [1 << 32, 1 << 32]\n" + SAVE,
        "init_net.pb gives conv1_w the shape (4294967296, 4294967296), which no parameter",
    ),
    "a few bytes that fill the memory": (
        "fill = lambda name: core.CreateOperator('ConstantFill', [], [name], shape=[1 << 28])\n"
        "init_net.op.extend(map(fill, 'abcdefghi'))\n" + SAVE,
        "init_net.pb fills more parameters than an ONNX file can hold",
    ),
    "too few values": (
        "del init_net.op[0].arg[1].floats[5:]\n" + SAVE,
        "init_net.pb gives 5 values for conv1_w, which has the shape (4, 3, 3, 3)",
    ),
    "an unknown argument": (
        "predict_net.op[2].arg.add(name='ceil_mode', i=1)\n" + SAVE,
        "operator 3 (MaxPool, pool1) has the argument 'ceil_mode', which the translation does not know",
    ),
    "another order": (
        "predict_net.op[0].arg.add(name='order', s=b'NHWC')\n" + SAVE,
        "operator 1 (Conv, conv1) works in the order NHWC, and only NCHW can be translated",
    ),
    "dropout for training": (
        "op('Dropout', 'probabilities', 'kept mask', ratio=0.5)\nsave('kept')\n",
        "operator 7 (Dropout, kept) has no is_test: 1, so it is for training",
    ),
    "a batch normalisation for training": (
        "[given('bn' + end, 10) for end in 'sbmv']\n"
        "op('SpatialBN', 'scores bns bnb bnm bnv', 'bn bnm bnv saved_m saved_v', is_test=0)\nsave('bn')\n",
        "(SpatialBN, bn) has no is_test: 1, so it is for training",
    ),
    "a fixed batch": (
        "predict_net.op[3].arg[0].ints[:] = [1, 120]\n" + SAVE,
        "the net takes batches of 1 only; let its Reshape say -1 for the batch, or 0. "
        "Caffe2 cannot run operator 4 (Reshape, flat)",
    ),
    "two inputs": (
        "op('Add', 'scores more', 'sum')\npredict_net.external_input.append('more')\nsave('sum')\n",
        "predict_net.pb has 2 blobs (data, more) that init_net.pb does not fill",
    ),
    "two outputs": (
        "predict_net.external_output.append('scores')\n" + SAVE,
        "predict_net.pb answers with 2 outputs (0 'scores': a blob; 1 'probabilities': a blob); say which of "
        "them holds the scores with `output: scores`, or another, in its entry",
    ),
    "an overwritten parameter": (
        "op('Relu', 'conv1_b', 'conv1_b')\n" + SAVE,
        "predict_net.pb writes to 1 blobs (conv1_b) that init_net.pb fills",
    ),
    "no output": (
        "save('x')\npredict_net.external_output[:] = []\n"
        "open('pair/predict_net.pb', 'wb').write(predict_net.SerializeToString())\n",
        "and no blob among its external_output",
    ),
    "an output that nothing makes": ("save('nothing')\n", "no operator of the net has 'nothing'"),
    "maps as output": ("save('pool1')\n", "'pool1' has the shape (1, 4, 6, 5) for one picture"),
    "an input of another shape": (
        "predict_net.op[3].arg[0].ints[:] = [-1, 7 * 7 * 4]\n" + SAVE,
        "Caffe2 cannot run operator 4 (Reshape, flat) on inputs of the shape (1, 3, 12, 10)",
    ),
    "weights of another shape": (
        "init_net.op[2].arg[0].ints[:] = [24, 50]\n" + SAVE,
        "Caffe2 cannot run operator 5 (FC, scores) on inputs of the shape (1, 3, 12, 10)",
    ),
    "integers for weights": (
        "op = core.CreateOperator('GivenTensorIntFill', [], ['conv1_b'], shape=[4], values=[1] * 4)\n"
        "init_net.op.append(op)\n" + SAVE,
        "Caffe2 cannot run operator 1 (Conv, conv1)",
    ),
}
"""What is done to the small net before it is saved, and what is said of it."""


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_pair_that_cannot_be_exported_says_why(
    export: Export, run_in: RunIn, tmp_path: Path, spoiled: str
) -> None:
    code, expected = SPOILED[spoiled]
    run_in("caffe2", BEGIN + SMALL + code)
    assert expected in _refusal(export, tmp_path / "pair")


def test_damaged_files_are_told_by_name(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    run_in("caffe2", BEGIN + SMALL + SAVE)
    pair = tmp_path / "pair"
    good = {path.name: path.read_bytes() for path in pair.iterdir()}
    init, predict = pair / "init_net.pb", pair / "predict_net.pb"
    for content, expected in (
        (
            good["init_net.pb"][:-7],
            "init_net.pb cannot be read as a Caffe2 NetDef: a field of it ends at byte",
        ),
        (b"", "init_net.pb fills no parameters: it holds no operators of a NetDef"),
        (b'name: "init"\nop { }\n', "init_net.pb cannot be read as a Caffe2 NetDef"),
        (good["init_net.pb"].replace(b"\x2d", b"\x35"), "init_net.pb"),
        (POINTER, f"init_net.pb cannot be read: {POINTED_AT}"),
    ):
        init.write_bytes(content)
        assert expected in _refusal(export, pair)
    init.write_bytes(good["init_net.pb"])
    for content, expected in (
        (good["predict_net.pb"][:-7], "predict_net.pb cannot be read as a Caffe2 NetDef"),
        (b"", "predict_net.pb holds no operators of a Caffe2 NetDef"),
        (b'name: "small"\nop { type: "Relu" }\n', "predict_net.pb cannot be read as a Caffe2 NetDef"),
        (POINTER, f"predict_net.pb cannot be read: {POINTED_AT}"),
    ):
        predict.write_bytes(content)
        assert expected in _refusal(export, pair)


def test_missing_files_are_told_by_name(export: Export, run_in: RunIn, tmp_path: Path) -> None:
    run_in("caffe2", BEGIN + SMALL + SAVE)
    pair = tmp_path / "pair"
    (pair / "init_net.pb").rename(pair / "weights.pb")
    assert "holds no init_net.pb: a Caffe2 model is a folder with predict_net.pb and" in _refusal(
        export, pair
    )
    (pair / "predict_net.pb").unlink()
    assert "holds no predict_net.pb" in _refusal(export, pair)
    assert "there is no folder" in _refusal(export, tmp_path / "pairs")
