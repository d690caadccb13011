"""Tensors of lengths, element by element; what is not decided stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from opsets.facts.length_rules import row_of
from opsets.facts.values import Evaluator
from tests.opsets.simplifying import value_in, walk_of

CONSTANTS = """int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3},
    int64[1] last = {-1}, int64[1] minus_two = {-2}, int64[1] minus_seven = {-7},
    int64 first = {0}, int64 unit = {1},
    int64[2] pair = {5,6}, int64[2] column = {1,1}, int64[2] by_four = {-1,4},
    int64[1] huge = {9007199254740993}, int64[1] many = {1000000000}, bool[2] both = {1,0}"""
LENGTHS = "b = Shape<end=1>(x) s = Shape(x) c = Shape<start=1,end=2>(x) h = Shape<start=2,end=3>(x)"


def entries_of(nodes: str, opset: int = 17) -> list[Any] | None:
    """The elements of ``y`` as text; ``s`` is the shape ``[N, 3, H, 8]`` and b, c, h are its parts."""
    lengths = LENGTHS if opset >= 15 else "s = Shape(x)"
    text = f"""g (float[N,3,H,8] x, int64[2] z) => (float[N,3,H,8] r) <{CONSTANTS}>
        {{ r = Relu(x) {lengths} {nodes} }}"""
    walk = walk_of(opset, text)
    found = Evaluator(walk.inference).entries(value_in(walk, "y"))
    return None if found is None else found.astype(str).tolist()


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("y = Shape(x)", ["N", "3", "H", "8"]),
        ("y = Shape<start=-3, end=-1>(x)", ["3", "H"]),
        ("y = Size(x)", "24*H*N"),
        ("y = Identity(s)", ["N", "3", "H", "8"]),
        ("y = Gather(s, column)", ["3", "3"]),
        ("y = Gather(s, first)", "N"),
        ("y = Gather<axis=0>(s, last)", ["8"]),
        ("y = Slice(s, one, three)", ["3", "H"]),
        ("y = Slice(s, minus_two, many)", ["H", "8"]),
        ("y = Slice(s, zero, many, zero, two)", ["N", "H"]),
        ("y = Slice(s, last, zero, zero, last)", None),
        ("y = Slice(s, zero, b)", None),
        ("y = Concat<axis=0>(b, pair)", ["N", "5", "6"]),
        ("y = Unsqueeze(b, zero)", [["N"]]),
        ("y = Squeeze(b)", "N"),
        ("y = Squeeze(b, zero)", "N"),
        ("y = Reshape(s, by_four)", [["N", "3", "H", "8"]]),
        ("t = Slice(s, zero, two) y = Reshape(t, column)", None),
        ("y = Cast<to=6>(s)", ["N", "3", "H", "8"]),
        ("y = Cast<to=1>(s)", ["N", "3", "H", "8"]),
        ("y = Cast<to=9>(s)", None),
        ("y = ConstantOfShape<value = int64[1] {7}>(two)", ["7", "7"]),
        ("y = ConstantOfShape<value = bool[1] {1}>(two)", ["True", "True"]),
        ("y = ConstantOfShape<value = float[1] {7}>(two)", None),
        ("y = ConstantOfShape(two)", None),
        ("y = ConstantOfShape<value = int64[1] {7}>(b)", None),
        ("y = ConstantOfShape<value = int64[1] {7}>(many)", None),
        ("y = Where(both, b, pair)", ["N", "6"]),
        ("y = Neg(b)", ["-N"]),
        ("y = ReduceProd(s)", ["24*H*N"]),
        ("y = ReduceProd<keepdims=0>(s)", "24*H*N"),
        ("t = Unsqueeze(s, zero) y = ReduceProd(t)", None),
        ("y = Add(s, two)", ["N + 2", "5", "H + 2", "10"]),
        ("y = Sub(s, two)", ["N - 2", "1", "H - 2", "6"]),
        ("y = Sub(b, b)", ["0"]),
        ("y = Mul(b, pair)", ["5*N", "6*N"]),
        ("y = Min(three, two, c)", ["2"]),
        ("y = Max(three, two, h)", ["Max(3, H)"]),
        ("y = Mod(minus_seven, three)", ["2"]),
        ("y = Mod(b, three)", ["Mod(N, 3)"]),
        ("y = Mod<fmod=1>(b, three)", None),
        ("y = Mod(pair, zero)", None),
        ("y = Equal(b, zero)", ["False"]),
        ("y = Equal(b, b)", ["True"]),
        ("y = Equal(b, one)", None),
        ("y = Equal(c, three)", ["True"]),
        ("y = Less(b, one)", ["False"]),
        ("y = Less(b, h)", None),
        ("y = Greater(b, zero)", ["True"]),
        ("y = Greater(pair, three)", ["True", "True"]),
    ],
)
def test_each_rule(nodes: str, expected: Any) -> None:
    assert entries_of(nodes) == expected


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("y = Div(minus_seven, two)", ["-3"]),
        ("y = Div(minus_seven, minus_two)", ["3"]),
        ("y = Div(huge, one)", ["9007199254740993"]),
        ("y = Div(pair, zero)", None),
        ("t = Mul(b, pair) y = Div(t, pair)", ["N", "N"]),
        ("y = Div(b, two)", ["floor(N/2)"]),
        ("t = Sub(b, one) y = Div(t, two)", ["floor(N/2 + 1/2) - 1"]),
        ("t = Neg(b) y = Div(t, two)", None),
        ("t = Sub(b, three) y = Div(t, two)", None),
        ("t = Add(b, b) n = Neg(t) y = Div(n, two)", ["-N"]),
    ],
)
def test_integers_are_divided_towards_zero(nodes: str, expected: list[str] | None) -> None:
    assert entries_of(nodes) == expected


ROWS = "n = Squeeze(b) rows = Range(first, n, unit)"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("y = Range(first, n, unit)", ["row(N)"]),
        ("y = Range(unit, n, unit)", None),
        ("y = Range(first, unit, unit)", None),
        ("t = Mul(rows, three) u = Unsqueeze(t, one) y = Add(u, pair)", [["3*row(N) + 5", "3*row(N) + 6"]]),
        ("t = Cast<to=6>(rows) y = Identity(t)", ["row(N)"]),
        ("y = Less(rows, zero)", None),
        ("y = Sub(rows, rows)", None),
        ("y = Mul(rows, zero)", None),
        ("y = Gather(rows, zero)", None),
        ("y = Slice(rows, zero, one)", None),
        ("y = Concat<axis=0>(rows, one)", None),
        ("y = ReduceProd(rows)", None),
        ("y = Max(rows, zero)", None),
    ],
)
def test_rows_are_counted_as_one_entry_of_which_none_is_picked(nodes: str, expected: Any) -> None:
    assert entries_of(f"{ROWS} {nodes}") == expected


def test_the_row_is_found_again() -> None:
    text = f"""g (float[N,4] x) => (float[N,4] r)
    <int64 first = {{0}}, int64 unit = {{1}}, int64[1] two = {{2}}>
    {{ r = Relu(x) b = Shape<end=1>(x) {ROWS} y = Mul(rows, two) }}"""
    walk = walk_of(17, text)
    found = Evaluator(walk.inference).entries(value_in(walk, "y"))
    assert found is not None
    row = row_of(found)
    assert row is not None
    assert list(map(str, row)) == ["row(N)", "N"]
    shape = Evaluator(walk.inference).entries(value_in(walk, "b"))
    assert shape is not None
    assert row_of(shape) is None


@pytest.mark.parametrize(
    ("opset", "nodes", "expected"),
    [
        (9, "y = Slice<starts=[1], ends=[3], axes=[0]>(s)", ["3", "H"]),
        (9, "y = Unsqueeze<axes=[0]>(s)", [["N", "3", "H", "8"]]),
        (9, "t = Unsqueeze<axes=[0]>(s) y = Squeeze<axes=[0]>(t)", ["N", "3", "H", "8"]),
    ],
)
def test_parameters_of_old_forms_are_attributes(opset: int, nodes: str, expected: Any) -> None:
    assert entries_of(nodes, opset) == expected


@pytest.mark.parametrize(
    "nodes",
    ["y = Add(z, one)", "t = Cast<to=1>(s) u = Relu(t) y = Cast<to=7>(u)", "y = NonZero(s)", "y = Abs(b)"],
)
def test_what_is_computed_of_something_else_is_unknown(nodes: str) -> None:
    assert entries_of(nodes) is None


def test_large_tensors_are_no_lengths() -> None:
    text = """g (float[N,4] x) => (float[N,4] r) <int64[1] n = {5000}, int64[1] one = {1}>
    { r = Relu(x) t = ConstantOfShape<value = int64[1] {1}>(n) y = Mul(t, one) }"""
    walk = walk_of(17, text)
    assert Evaluator(walk.inference).entries(value_in(walk, "y")) is None


@pytest.mark.parametrize("operator", ["Add", "Mul"])
def test_an_expression_that_grows_with_each_node_becomes_unknown(operator: str) -> None:
    """Each node takes what the one before makes twice: its terms, or their powers, double."""
    nodes = ["v0 = Shape<start=0, end=1>(x)"]
    for index in range(60):
        nodes.append(f"p{index} = Mul(v{index}, v{index}) v{index + 1} = {operator}(p{index}, one)")
    text = f"""g (float[N,4] x) => (float[N,4] r) <int64[1] one = {{1}}>
    {{ r = Relu(x) {" ".join(nodes)} }}"""
    walk = walk_of(17, text)
    evaluator = Evaluator(walk.inference)
    assert evaluator.entries(value_in(walk, "v1")) is not None
    assert evaluator.entries(value_in(walk, "v60")) is None


def test_a_number_that_no_tensor_holds_is_unknown() -> None:
    nodes = " ".join(f"v{index + 1} = Mul(v{index}, v{index})" for index in range(60))
    text = f"""g (float[N,4] x) => (float[N,4] r) <int64[1] ten = {{10}}>
    {{ r = Relu(x) v0 = Identity(ten) {nodes} }}"""
    walk = walk_of(17, text)
    evaluator = Evaluator(walk.inference)
    assert evaluator.entries(value_in(walk, "v4")) is not None
    assert evaluator.entries(value_in(walk, "v5")) is None
