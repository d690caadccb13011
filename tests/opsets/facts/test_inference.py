"""Types and shapes node by node, with open lengths that can be told from each other."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
import pytest
import sympy  # type: ignore[import-untyped]

from opsets.facts.inference import ShapeInference
from tests.opsets.simplifying import shape_of, value_in, walk_of

N = sympy.Symbol("N", integer=True, positive=True)


def after(opset: int, nodes: str, constants: str = "int64[1] unused = {0}") -> list[Any] | None:
    """The shape of ``y``, made of x: (N, 4, H, 6)."""
    result = "r = Relu(x)" if opset > 5 else "r = Neg(x)"
    inputs = "" if opset > 8 else ", int64[1] unused"
    text = f"g (float[N,4,H,6] x{inputs}) => (float[N,4,H,6] r) <{constants}> {{ {result} {nodes} }}"
    return shape_of(walk_of(opset, text), "y")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("{0,24,-1}", ["N", 24, "H"]),
        ("{0,-1,6}", ["N", "4*H", 6]),
        ("{-1,6}", ["4*H*N", 6]),
        ("{0,0,-1}", ["N", 4, "6*H"]),
    ],
)
def test_symbols_are_kept_through_reshape(target: str, expected: list[int | str]) -> None:
    assert after(13, "y = Reshape(x, t)", f"int64[{target.count(',') + 1}] t = {target}") == expected


def test_lengths_that_need_not_divide_are_rounded_down() -> None:
    assert after(13, "y = Reshape(x, t)", "int64[3] t = {-1,24,7}") == ["floor(H*N/7)", 24, 7]


def test_a_batch_that_is_split_into_windows_and_joined_again_is_the_same() -> None:
    text = """g (float[N,4,6] x) => (float[N,4,6] r) <int64[3] windows = {-1,2,6}, int64[3] joined = {-1,4,6}>
    { r = Relu(x) w = Reshape(x, windows) y = Reshape(w, joined) }"""
    walk = walk_of(13, text)
    assert shape_of(walk, "w") == ["2*N", 2, 6]
    assert shape_of(walk, "y") == ["N", 4, 6]


@pytest.mark.parametrize(
    ("opset", "nodes", "constants", "expected"),
    [
        (13, "y = Resize(x, , s)", "float[4] s = {1,1,2,2}", ["N", 4, "2*H", 12]),
        (13, "y = Resize(x, , s)", "float[4] s = {1,1,0.5,2}", ["N", 4, "floor(H/2)", 12]),
        (13, "y = Resize(x, , s)", "float[4] s = {1,1,1.3,2}", ["N", 4, "y[2]", 12]),
        (10, "y = Resize(x, s)", "float[4] s = {1,1,1,2}", ["N", 4, "H", 12]),
        (9, "y = Upsample(x, s)", "float[4] s = {1,1,1,2}", ["N", 4, "H", 12]),
        (7, "y = Upsample<scales=[1.0,1.0,1.0,2.0]>(x)", "int64[1] unused = {0}", ["N", 4, "H", 12]),
        (11, "y = Pad(x, p)", "int64[8] p = {0,1,0,2,0,1,0,0}", ["N", 6, "H", 8]),
        (11, "y = Pad(x, p)", "int64[8] p = {0,0,1,0,0,0,0,0}", ["N", 4, "H + 1", 6]),
        (11, "y = Pad(x, p)", "int64[8] p = {0,0,1,0,0,0,-1,0}", ["N", 4, "H", 6]),
        (9, "y = Pad<pads=[0,1,0,2,0,1,0,0]>(x)", "int64[1] unused = {0}", ["N", 6, "H", 8]),
    ],
)
def test_an_axis_is_as_much_longer_as_is_asked_for(
    opset: int, nodes: str, constants: str, expected: list[int | str]
) -> None:
    assert after(opset, nodes, constants) == expected


def test_an_unknown_axis_is_named_after_its_value_so_that_it_equals_itself_alone() -> None:
    text = """g (float[N,4] x, bool[N] c) => (float[N,4] r) {
        r = Relu(x) y = Compress<axis=0>(x, c) z = Compress<axis=0>(x, c) w = Neg(y) }"""
    walk = walk_of(13, text)
    assert shape_of(walk, "y") == ["y[0]", 4]
    assert shape_of(walk, "z") == ["z[0]", 4]
    inference = walk.inference
    assert inference.lengths(value_in(walk, "w")) == inference.lengths(value_in(walk, "y"))
    assert inference.length(value_in(walk, "z"), 0) != inference.length(value_in(walk, "y"), 0)


def test_an_axis_without_any_name_gets_one() -> None:
    value = ir.Value(name="x", shape=ir.Shape([None, 3]), type=ir.TensorType(ir.DataType.FLOAT))
    assert list(map(str, ShapeInference(13).lengths(value))) == ["x[0]", "3"]


@pytest.mark.parametrize(
    "nodes", ["y = Clip<min=0.0,consumed_inputs=[0]>(x)", "y = Exp<consumed_inputs=[0]>(x)"]
)
def test_old_operators_without_inference_are_like_their_first_input(nodes: str) -> None:
    text = f"g (float[N,4] x) => (float[N,4] r) {{ r = Dropout<is_test=1>(x) {nodes} z = Sum(y, x) }}"
    walk = walk_of(5, text)
    for name in ("y", "z"):
        assert shape_of(walk, name) == ["N", 4]
        assert value_in(walk, name).dtype == ir.DataType.FLOAT


@pytest.mark.parametrize(
    ("opset", "nodes", "kind", "shape"),
    [
        (21, "y = GroupNormalization<num_groups=2>(x, s, s)", ir.DataType.FLOAT, ["N", 4]),
        (13, "y = MeanVarianceNormalization<axes=[1]>(x)", ir.DataType.FLOAT, ["N", 4]),
        (12, "y = LessOrEqual(s, x)", ir.DataType.BOOL, ["N", 4]),
        (12, "y = GreaterOrEqual(x, s)", ir.DataType.BOOL, ["N", 4]),
    ],
)
def test_newer_operators_without_inference(
    opset: int, nodes: str, kind: ir.DataType, shape: list[int | str]
) -> None:
    walk = walk_of(opset, f"g (float[N,4] x, float[4] s) => (float[N,4] r) {{ r = Relu(x) {nodes} }}")
    assert value_in(walk, "y").dtype == kind
    assert shape_of(walk, "y") == shape


def test_a_length_and_its_expression_are_the_same_after_they_were_a_name() -> None:
    inference = ShapeInference(13)
    value = ir.Value(name="y", shape=inference.shape([2 * N, 3, N + 1]))
    assert inference.lengths(value) == [2 * N, 3, N + 1]
    assert value.shape is not None
    assert [str(axis) for axis in value.shape] == ["2*N", "3", "N + 1"]


def test_a_product_has_no_shape_while_one_operand_has_none() -> None:
    """A number times a tensor of any shape is no number."""
    text = """g (float number, float[N,M] z, int64[K] a) => (float[N,M] r) {
        r = Relu(z) x = Squeeze(z, a) y = Mul(number, x) }"""
    walk = walk_of(13, text)
    assert value_in(walk, "y").dtype == ir.DataType.FLOAT
    assert (shape_of(walk, "x"), shape_of(walk, "y")) == (None, None)


def test_an_operator_of_another_opset_or_with_a_branch_is_left_alone() -> None:
    made = ir.node("HardSwish", [ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT))])
    ShapeInference(13).infer(made)
    assert made.outputs[0].type is None
    text = """g (float[N,4] x, bool c) => (float[N,4] r) { r = Relu(x)
        y = If (c) < then_branch = yes () => (float[A,B] a) { a = Neg(x) },
                     else_branch = no () => (float[A,B] b) { b = Abs(x) } > }"""
    assert shape_of(walk_of(13, text), "y") is None
