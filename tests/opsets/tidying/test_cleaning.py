"""Cleaning: before and after as ONNX text, equal numbers, and nothing left to do."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import checker, helper
from onnx.numpy_helper import from_array

from opsets.facts.inference import ShapeInference
from opsets.reading import names_in, read_model
from opsets.tidying.cleaning import clean, count_from_front
from opsets.walk import Walk
from opsets.writing import write_model
from tests.opsets.comparing import assert_same_numbers, noise, parse, run, text_of


def prepared(model: onnx.ModelProto) -> Walk:
    """The graph of ``model`` with its shapes, as it is when it is cleaned."""
    graph = read_model(model)
    walk = Walk(graph, ShapeInference(model.opset_import[0].version), names_in(graph))
    for node in graph.graph.all_nodes():
        walk.inference.infer(node)
    return walk


def cleaned(model: onnx.ModelProto) -> onnx.ModelProto:
    walk = prepared(model)
    count_from_front(walk)
    clean(walk)
    for value, declared in zip(walk.model.graph.outputs, ir.from_proto(model).graph.outputs, strict=True):
        value.shape = declared.shape
    return write_model(walk.model, model, model.opset_import[0].version)


def assert_cleaned(opset: int, before: str, after: str) -> None:
    original = parse(opset, before)
    found = cleaned(original)
    assert text_of(found) == text_of(parse(opset, after))
    checker.check_model(found, full_check=True)
    assert_same_numbers(original, found)
    assert cleaned(found).SerializeToString() == found.SerializeToString()


X, Y = "(float[N,4,6] x)", "(float[N,A,B] y)"


@pytest.mark.parametrize(
    ("opset", "idle"),
    [
        (10, "a = Pad<pads=[0,0,0,0,0,0]>(x)"),
        (10, "a = Concat<axis=1>(x)"),
        (10, "a = Transpose<perm=[0,1,2]>(x)"),
        (8, "a = Sum(x)"),
        (8, "a = Max(x)"),
        (8, "a = Min(x)"),
        (8, "a = Mean(x)"),
        (9, "a = Slice<axes=[1,2], starts=[0,-6], ends=[4,99]>(x)"),
        (13, "a = Slice(x, zero, end, one, one)"),
        (13, "a = Reshape(x, shape)"),
        (13, "a = Pad(x, none)"),
        (13, "a = Tile(x, ones)"),
        (13, "b = Transpose<perm=[0,2,1]>(x) a = Transpose<perm=[0,2,1]>(b)"),
        (13, "b = Transpose<perm=[2,0,1]>(x) a = Transpose<perm=[1,2,0]>(b)"),
        (13, "b = Unsqueeze(x, one) a = Reshape(b, shape)"),
    ],
)
def test_what_hands_on_its_input_goes(opset: int, idle: str) -> None:
    constants = (
        "<int64[1] zero = {0}, int64[1] one = {1}, int64[1] end = {9223372036854775807},"
        " int64[3] shape = {0, 4, -1}, int64[6] none = {0, 0, 0, 0, 0, 0}, int64[3] ones = {1, 1, 1}>"
    )
    original = f"g {X} => {Y} {constants if opset == 13 else ''} {{ {idle} y = Relu(a) }}"
    assert_cleaned(opset, original, f"g {X} => {Y} {{ y = Relu(x) }}")


@pytest.mark.parametrize(
    ("opset", "needed"),
    [
        (10, "a = Pad<pads=[0,0,1,0,0,-1]>(x)"),
        (10, "a = Concat<axis=1>(x, x)"),
        (10, "a = Transpose<perm=[0,2,1]>(x)"),
        (10, "a = Transpose(x)"),
        (10, "a = Max(x, x)"),
        (9, "a = Slice<axes=[1], starts=[1], ends=[4]>(x)"),
        (13, "a = Slice(x, last, first, one, back)"),
        (13, "a = Reshape(x, shape)"),
    ],
)
def test_what_does_something_stays(opset: int, needed: str) -> None:
    constants = (
        "<int64[1] last = {-1}, int64[1] first = {-99}, int64[1] one = {1}, int64[1] back = {-1},"
        " int64[3] shape = {0, 6, 4}>"
    )
    used = constants if opset == 13 else ""
    original = parse(opset, f"g {X} => {Y} {used} {{ {needed} y = Relu(a) }}")
    assert text_of(cleaned(original)) == text_of(original)


def test_names_of_outputs_are_kept() -> None:
    text = f"g {X} => {Y} {{ y = Concat<axis=1>(x) }}"
    assert_cleaned(13, text, text)


def test_transposes_in_a_row_become_one() -> None:
    assert_cleaned(
        13,
        f"g {X} => {Y} {{ a = Transpose<perm=[2,0,1]>(x) b = Transpose(a) y = Transpose<perm=[1,2,0]>(b) }}",
        f"g {X} => {Y} {{ y = Transpose<perm=[0,2,1]>(x) }}",
    )


@pytest.mark.parametrize("before", ["Reshape(x, flat)", "Flatten(x)", "Unsqueeze(x, one)"])
def test_only_the_last_reshape_in_a_row_stays(before: str) -> None:
    constants = "<int64[2] flat = {0, -1}, int64[1] one = {1}, int64[3] shape = {0, -1, 3}>"
    assert_cleaned(
        13,
        f"g {X} => {Y} {constants} {{ a = {before} y = Reshape(a, shape) }}",
        f"g {X} => {Y} <int64[3] shape = {{0, -1, 3}}> {{ y = Reshape(x, shape) }}",
    )


@pytest.mark.parametrize(
    "body",
    [
        "a = Reshape(x, mixed) y = Reshape(a, shape)",  # its 0 copies a length that x does not have there
        "a = Reshape(x, flat) b = Relu(a) y = Reshape(b, shape)",
        "a = Transpose<perm=[0,2,1]>(x) b = Relu(a) y = Transpose<perm=[0,2,1]>(b)",
    ],
)
def test_other_chains_stay(body: str) -> None:
    constants = "<int64[3] mixed = {-1, 2, 3}, int64[2] flat = {0, -1}, int64[3] shape = {0, 6, -1}>"
    used = f"<int64[3] {constants.split('int64[3] ')[2]}" if "shape" in body else ""
    first = {"mixed": "int64[3] mixed = {-1, 2, 3}, ", "flat": "int64[2] flat = {0, -1}, "}
    used = used.replace("<", "<" + next((text for name, text in first.items() if name in body), ""))
    original = parse(13, f"g {X} => {Y} {used} {{ {body} }}")
    assert text_of(cleaned(original)) == text_of(original)


def test_a_value_that_others_use_too_is_still_made() -> None:
    text = """g (float[N,4,6] x) => (float[N,A,B] y, float[N,C,D] z) {
        a = Transpose<perm=[0,2,1]>(x) y = Transpose<perm=[0,2,1]>(a) z = Relu(a) }"""
    assert_cleaned(13, text, text)


SUBGRAPH = """g (float[N,4,6] x, bool c) => (float[N,4,6] y) {
    y = If (c) <
        then_branch = yes () => (float[N,4,6] a) { b = Concat<axis=1>(x) a = Relu(b) },
        else_branch = no () => (float[N,4,6] d) { d = Neg(x) }
    >
}"""


def test_subgraphs_are_cleaned_too() -> None:
    original = parse(13, SUBGRAPH)
    found = cleaned(original)
    branch = next(item.g for item in found.graph.node[0].attribute if item.name == "then_branch")
    assert [node.op_type for node in branch.node] == ["Relu"]
    assert_same_numbers(original, found, {"x": noise((2, 4, 6)), "c": np.array(True)})


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        ("LogSoftmax<axis=-1>(x)", "LogSoftmax<axis=2>(x)"),
        ("Concat<axis=-2>(x, x)", "Concat<axis=1>(x, x)"),
        ("ReduceSum<axes=[-1], keepdims=1>(x)", "ReduceSum<axes=[2], keepdims=1>(x)"),
    ],
)
def test_axes_from_the_back_are_counted_from_the_front_below_11(negative: str, positive: str) -> None:
    assert_cleaned(10, f"g {X} => {Y} {{ y = {negative} }}", f"g {X} => {Y} {{ y = {positive} }}")
    newer = parse(11, f"g {X} => {Y} {{ y = {negative} }}")
    assert text_of(cleaned(newer)) == text_of(newer)


def test_the_axis_of_one_hot_is_counted_in_its_output() -> None:
    text = """g (int64[N,2] x) => (float[N,2,3] y) <int64 depth = {{3}}, float[2] pair = {{0,1}}> {{
        y = OneHot<axis={axis}>(x, depth, pair)
    }}"""
    assert_cleaned(10, text.format(axis=-1), text.format(axis=2))


def test_new_axes_are_counted_among_all() -> None:
    graph, ports = "g (float[N,4] x)", "(float[A,B,C,D] y)"
    before = f"{graph} => {ports} {{ y = Unsqueeze<axes=[-1,1]>(x) }}"
    original = helper.make_model(
        onnx.parser.parse_graph(before), opset_imports=[helper.make_opsetid("", 10)], ir_version=5
    )
    walk = prepared(original)
    count_from_front(walk)
    assert list(walk.model.graph[0].attributes["axes"].as_ints()) == [3, 1]


@given(data=st.data(), lengths=st.lists(st.integers(1, 3), min_size=3, max_size=3))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_chains_of_any_kind_keep_their_numbers(data: st.DataObject, lengths: list[int]) -> None:
    nodes, constants = [], []
    for index in range(data.draw(st.integers(1, 6))):
        names = [f"v{index}"], [f"v{index + 1}"]
        if data.draw(st.booleans()):
            order = data.draw(st.permutations(range(3)))
            nodes.append(helper.make_node("Transpose", *names, perm=order))
        else:
            target = data.draw(st.sampled_from([[0, 0, -1], [-1, 1, 1], [1, -1, 1], [0, -1, 1], [1, 1, -1]]))
            constants.append(from_array(np.array(target), f"s{index}"))
            nodes.append(helper.make_node("Reshape", [f"v{index}", f"s{index}"], names[1]))
    ports = (
        helper.make_tensor_value_info("v0", onnx.TensorProto.FLOAT, lengths),
        helper.make_tensor_value_info(f"v{len(nodes)}", onnx.TensorProto.FLOAT, [None] * 3),
    )
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    inputs = {"v0": noise(tuple(lengths))}
    try:
        expected = run(model, inputs)
    except Exception:  # noqa: BLE001 - the drawn shapes do not fit
        return
    found = cleaned(model)
    assert len(found.graph.node) <= len(nodes)
    np.testing.assert_array_equal(run(found, inputs)[0], expected[0])
    assert ir.from_proto(found).graph.outputs[0].name == f"v{len(nodes)}"
