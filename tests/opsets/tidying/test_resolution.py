"""Shapes, bounds and indices that lengths decide, said without arithmetic."""

from __future__ import annotations

import pytest
from onnx import numpy_helper

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, noise, parse
from tests.opsets.simplifying import assert_simplified, operators, simplified

CONSTANTS = """int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3},
    int64[1] open = {-1}, int64[1] six = {6}"""


def target_of(nodes: str, output: str = "[A,B]", inputs: str = "float[N,4,H,6] x") -> list[int]:
    """The constant second input of ``y``, the last node; b, c and h are parts of the shape of x."""
    text = f"""g ({inputs}) => (float{output} y) <{CONSTANTS}> {{
        b = Shape<end=1>(x) c = Shape<start=1,end=2>(x) h = Shape<start=2,end=3>(x) {nodes} }}"""
    model = simplified(17, text)
    assert len(operators(model)) == 1
    assert_same_numbers(parse(17, text), model, {"x": noise((2, 4, 3, 6))})
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    return [int(entry) for entry in numpy_helper.to_array(constants[model.graph.node[-1].input[1]])]


@pytest.mark.parametrize(
    ("nodes", "output", "expected"),
    [
        ("t = Concat<axis=0>(b, open) y = Reshape(x, t)", "[A,B]", [0, -1]),
        ("t = Concat<axis=0>(open, h) y = Reshape(x, t)", "[A,B]", None),
        ("t = Concat<axis=0>(b, c, h, six) y = Reshape(x, t)", "[A,B,C,D]", [0, 4, 0, 6]),
        ("w = Mul(h, six) t = Concat<axis=0>(b, c, w) y = Reshape(x, t)", "[A,B,C]", [0, 4, -1]),
        ("w = Mul(b, h) t = Concat<axis=0>(w, c, six) y = Reshape(x, t)", "[A,B,C]", [-1, 4, 6]),
        ("w = Mul(b, c) t = Concat<axis=0>(w, h, six) y = Reshape(x, t)", "[A,B,C]", None),
    ],
)
def test_the_shape_of_a_reshape_is_zeros_and_one_rest(
    nodes: str, output: str, expected: list[int] | None
) -> None:
    if expected is None:  # two lengths would have to be the rest
        text = f"""g (float[N,4,H,6] x) => (float{output} y) <{CONSTANTS}> {{
            b = Shape<end=1>(x) c = Shape<start=1,end=2>(x) h = Shape<start=2,end=3>(x) {nodes} }}"""
        assert "Concat" in operators(simplified(17, text))
    else:
        assert target_of(nodes, output) == expected


def test_where_zero_means_no_elements_it_does_not_copy() -> None:
    nodes = "w = Mul(h, six) t = Concat<axis=0>({}) y = Reshape<allowzero=1>(x, t)"
    assert target_of(nodes.format("c, six, open"), "[A,B,C]") == [4, 6, -1]
    assert target_of(
        "u = Mul(c, six) w = Mul(b, h) t = Concat<axis=0>(w, u) y = Reshape<allowzero=1>(x, t)"
    ) == [-1, 24]
    assert target_of("u = Mul(c, six) u2 = Mul(u, h) t = Concat<axis=0>(b, u2) y = Reshape(x, t)") == [0, -1]


@pytest.mark.parametrize("target", [3, 5, 9, 13])
@pytest.mark.parametrize("shape", ["N,16,384", "N,S,384"])
def test_lengths_are_no_zeros_so_that_allowzero_means_nothing(shape: str, target: int) -> None:
    """As exporters write a view of a batch and a sequence, of which one length is left."""
    text = f"""g (float[{shape}] x) => (float[A,B,12,32] y)
    <int64[1] open = {{-1}}, int64[1] last = {{32}}> {{
        b = Shape<end=1>(x) s = Shape<start=1, end=2>(x) t = Concat<axis=0>(b, s, open, last)
        y = Reshape<allowzero=1>(x, t) }}"""
    model = parse(18, text)
    lowered = convert(model, 18, target)
    assert (operators(lowered.model), lowered.bounds) == (["Reshape"], ())
    for batch in (1, 3):
        assert_same_numbers(model, lowered.model, {"x": noise((batch, 16, 384))})


def test_a_computed_length_that_could_be_0_is_told() -> None:
    text = """g (float[N,4,H] x) => (float[A,B,C] y) <int64[1] two = {2}, int64[1] open = {-1}> {
        b = Shape<end=1>(x) h = Shape<start=2>(x) half = Div(h, two) t = Concat<axis=0>(b, open, half)
        y = Reshape<allowzero=1>(x, t) }"""
    lowered = convert(parse(18, text), 18, 17)
    assert lowered.bounds == ("Reshape with allowzero: exact unless a length that it computes is 0",)
    assert_same_numbers(parse(18, text), lowered.model, {"x": noise((2, 4, 6))})


def test_a_zero_among_lengths_keeps_allowzero() -> None:
    text = """g (float[N,0] x) => (float[A,B] y) <int64[1] zero = {0}> {
        b = Shape<end=1>(x) t = Concat<axis=0>(b, zero) y = Reshape<allowzero=1>(x, t) }"""
    [node] = [node for node in simplified(17, text).graph.node if node.op_type == "Reshape"]
    assert [attribute.name for attribute in node.attribute] == ["allowzero"]


def test_a_length_of_its_own_is_1_in_an_expand() -> None:
    assert_simplified(
        17,
        f"""g (float[N,1,4] x) => (float[N,3,4] y) <{CONSTANTS}, int64[1] four = {{4}}> {{
            b = Shape<end=1>(x) t = Concat<axis=0>(b, three, four) y = Expand(x, t)
        }}""",
        "g (float[N,1,4] x) => (float[N,3,4] y) <int64[3] y_shape = {1,3,1}> { y = Expand(x, y_shape) }",
    )


def test_a_length_of_another_tensor_is_asked_of_it_in_the_plainest_way() -> None:
    """As exporters write the class token of a transformer: one for each picture."""
    before = f"""g (float[N,4,6] x, float[1,1,6] token) => (float[N,1,6] y) <{CONSTANTS}> {{
        s = Shape(x) b = Slice(s, zero, one) t = Concat<axis=0>(b, one, six) u = Reshape(t, open)
        m = ConstantOfShape<value = int64[1] {{1}}>(three) f = Mul(m, open) q = Equal(u, f) v = Where(q, m, u)
        y = Expand(token, v)
    }}"""
    assert_simplified(
        17,
        before,
        """g (float[N,4,6] x, float[1,1,6] token) => (float[N,1,6] y)
        <int64[1] y_axis = {0}, int64[1] y_length = {1}, int64[1] y_length_1 = {1}> {
            y_Shape = Shape(x)
            y_Gather = Gather<axis=0>(y_Shape, y_axis)
            y_Concat = Concat<axis=0>(y_Gather, y_length, y_length_1)
            y = Expand(token, y_Concat)
        }""",
    )


def test_a_fixed_length_is_known_after_an_expand_to_an_open_one() -> None:
    text = """g (float[1,4] x, float[M,3] z) => (float[B,C] y) <int64[1] open = {-1}, int64[1] one = {1}> {
        m = Shape<end=1>(z) t = Concat<axis=0>(one, m) wide = Expand(x, t)
        s = Shape(wide) y = Reshape(wide, s)
    }"""
    model = simplified(17, text)
    shapes = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer}
    assert shapes["s_value"] == [1, 4]
    assert_same_numbers(parse(17, text), model, {"x": noise((1, 4)), "z": noise((4, 3))})
    assert_same_numbers(parse(17, text), model, {"x": noise((1, 4)), "z": noise((1, 3))})


@pytest.mark.parametrize(
    ("nodes", "output", "ends"),
    [
        ("y = Slice(x, one, h, two)", "[N,4,J,6]", [2**63 - 1]),
        (
            "e = Concat<axis=0>(b, c) s = Concat<axis=0>(zero, one) y = Slice(x, s, e)",
            "[N,3,H,6]",
            [2**63 - 1, 4],
        ),
        ("n = Neg(two) a = Identity(n) y = Slice(x, one, h, a)", "[N,4,J,6]", [2**63 - 1]),
    ],
)
def test_an_end_that_is_the_whole_axis_is_as_far_as_it_goes(nodes: str, output: str, ends: list[int]) -> None:
    text = f"""g (float[N,4,H,6] x) => (float{output} y) <{CONSTANTS}> {{
        b = Shape<end=1>(x) c = Shape<start=1,end=2>(x) h = Shape<start=2,end=3>(x) {nodes} }}"""
    model = simplified(17, text)
    assert operators(model) == ["Slice"]
    constants = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer}
    assert constants[model.graph.node[0].input[2]] == ends
    assert_same_numbers(parse(17, text), model, {"x": noise((2, 4, 3, 6))})


@pytest.mark.parametrize("bounds", ["h, two", "one, half"])
def test_other_open_bounds_of_a_slice_stay(bounds: str) -> None:
    text = f"""g (float[N,4,H,6] x) => (float[N,4,J,6] y) <{CONSTANTS}> {{
        h = Shape<start=2,end=3>(x) half = Div(h, two) y = Slice(x, {bounds}, two) }}"""
    assert "Shape" in operators(simplified(17, text))


STRIDED = """g (float[N,{width}] x) => (float[{shape}] y) <
    int64 first = {{0}}, int64 unit = {{1}}, int64[1] open = {{-1}}, int64[1] zero = {{0}},
    int64[1] one = {{1}}, int64 wide = {{{stride}}}, {columns}
> {{
    b = Shape<end=1>(x) n = Squeeze(b, zero)
    flat = Reshape(x, open)
    rows = Range(first, n, unit) starts = Mul(rows, wide) column = Unsqueeze(starts, one)
    index = Add(column, columns) y = Gather<axis=0>(flat, index)
}}"""


def test_a_strided_view_of_a_flattened_tensor_is_a_gather_along_its_rows() -> None:
    before = STRIDED.format(width=6, shape="N,3", stride=6, columns="int64[3] columns = {1,0,5}")
    after = """g (float[N,6] x) => (float[N,3] y)
    <int64[3] y_columns = {1,0,5}> { y = Gather<axis=1>(x, y_columns) }"""
    assert_simplified(17, before, after)


@pytest.mark.parametrize(
    ("stride", "columns"),
    [
        (5, "int64[3] columns = {1,0,5}"),
        (6, "int64[3] columns = {1,0,6}"),
        (6, "int64[3] columns = {-1,0,5}"),
    ],
    ids=["another stride", "beyond the row", "before the row"],
)
def test_a_view_that_does_not_follow_the_rows_stays(stride: int, columns: str) -> None:
    text = STRIDED.format(width=6, shape="N,3", stride=stride, columns=columns)
    assert "Range" in operators(simplified(17, text))


def test_a_grid_of_rows_and_rows_is_no_view_of_rows() -> None:
    """Its index is ``row * 2 + column``, where the columns are as many as the rows."""
    text = """g (float[N,3] x) => (float[N,N] y) <
        int64 first = {0}, int64 unit = {1}, int64[1] open = {-1}, int64[1] zero = {0}, int64[1] one = {1},
        int64 wide = {2}
    > {
        b = Shape<end=1>(x) n = Squeeze(b, zero) flat = Reshape(x, open)
        rows = Range(first, n, unit) starts = Mul(rows, wide) column = Unsqueeze(starts, one)
        index = Add(column, rows) y = Gather<axis=0>(flat, index)
    }"""
    model = simplified(17, text)
    assert "Range" in operators(model)
    assert_same_numbers(parse(17, text), model, {"x": noise((3, 3))})
