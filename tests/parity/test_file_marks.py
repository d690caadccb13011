"""What a file may hold is looked for in its nodes, wherever these stand, and not in its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from parity.file_marks import may_hold

MARK = b"QLinear"
WEIGHTS = numpy_helper.from_array(np.frombuffer(MARK * 64, np.uint8), "w")


def _model(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph(nodes, "g", [], [], [WEIGHTS]))


def _file(folder: Path, content: bytes) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(content)
    return file


def test_weights_are_not_searched(tmp_path: Path) -> None:
    model = _model(helper.make_node("Conv", ["a", "w"], ["b"]))
    assert MARK in model.SerializeToString()
    assert not may_hold(_file(tmp_path, model.SerializeToString()), [MARK])


@pytest.mark.parametrize("weights_first", [False, True])
def test_nodes_are_found_on_either_side_of_the_weights(tmp_path: Path, weights_first: bool) -> None:
    """Fields may stand in any order, and a message in several pieces."""
    weights = onnx.ModelProto(graph=onnx.GraphProto(initializer=[WEIGHTS])).SerializeToString()
    nodes = onnx.ModelProto(graph=onnx.GraphProto(node=[helper.make_node("QLinearConv", ["a"], ["b"])]))
    pieces = [weights, nodes.SerializeToString()]
    content = b"".join(pieces if weights_first else reversed(pieces))
    assert len(onnx.ModelProto.FromString(content).graph.initializer) == 1
    assert may_hold(_file(tmp_path, content), [b"Integer", MARK])


def test_a_node_of_a_branch_and_one_of_a_function_are_found(tmp_path: Path) -> None:
    node = helper.make_node("QLinearConv", ["a"], ["b"])
    branch = helper.make_graph([node], "then", [], [], [WEIGHTS])
    inside = _model(helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=branch))
    assert may_hold(_file(tmp_path, inside.SerializeToString()), [MARK])
    function = _model()
    function.functions.append(helper.make_function("d", "f", ["a"], ["b"], [node], []))
    assert may_hold(_file(tmp_path, function.SerializeToString()), [MARK])


@pytest.mark.parametrize(
    "before",
    [b"\x3c", b"\xff" * 64, b"\x3a\x20\x2a\xff\x01", b"\x3a\x80\x80\x80\x80\x10", b"\x39"],
    ids=[
        "a group",
        "a number without end",
        "an initializer cut off",
        "a graph cut off",
        "a fixed number cut off",
    ],
)
def test_what_is_no_model_is_searched_whole(tmp_path: Path, before: bytes) -> None:
    assert may_hold(_file(tmp_path, before + MARK), [MARK])
    assert not may_hold(_file(tmp_path, before), [MARK])


def test_a_cut_file_is_searched_to_its_end(tmp_path: Path) -> None:
    content = _model(helper.make_node("Conv", ["a", "w"], ["b"])).SerializeToString()
    where = content.index(MARK)
    assert may_hold(_file(tmp_path, content[: where + 100]), [MARK])
