"""Two operands of several shapes below 7."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.families.broadcasting import OPERATORS
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run_openvino, step, text_of


def test_one_element_needs_no_axis() -> None:
    assert_step(
        7,
        "g (float[N,3,4] x, float[1,1] y) => (float[N,3,4] z) { z = Mul(x, y) }",
        """g (float[N,3,4] x, float[1,1] y) => (float[N,3,4] z) {
            z = Mul<broadcast=1>(x, y)
        }""",
    )


def test_the_last_axes_lose_their_leading_ones() -> None:
    assert_step(
        7,
        "g (float[N,3,4] x, float[1,4] y) => (float[N,3,4] z) { z = Add(x, y) }",
        """g (float[N,3,4] x, float[1,4] y) => (float[N,3,4] z) {
            z_Squeeze = Squeeze<axes=[0]>(y)
            z = Add<broadcast=1>(x, z_Squeeze)
        }""",
    )


def test_a_constant_loses_its_leading_ones_and_no_bytes() -> None:
    assert_step(
        7,
        "g (float[N,3,4] x, float[1,4] y = {1, 2, 3, 4}) => (float[N,3,4] z) { z = Add(x, y) }",
        """g (float[N,3,4] x, float[1,4] y = {1.0, 2.0, 3.0, 4.0}) => (float[N,3,4] z) {
            z_Squeeze = Squeeze<axes=[0]>(y)
            z = Add<broadcast=1>(x, z_Squeeze)
        }""",
    )


def test_axes_in_the_middle_are_multiplied_with_ones_up_to_the_last() -> None:
    assert_step(
        7,
        "g (float[N,3,2,3] x, float[3,1,1] y) => (float[N,3,2,3] z) { z = Div(x, y) }",
        """g (
            float[N,3,2,3] x,
            float[3,1,1] y,
            float[1,6] ones = {1,1,1,1,1,1},
            int64[2] z_shape = {-1,1},
            int64[3] z_shape_1 = {3,2,3}
        ) => (float[N,3,2,3] z) {
            z_Reshape = Reshape(y, z_shape)
            z_MatMul = MatMul(z_Reshape, ones)
            z_Reshape_1 = Reshape(z_MatMul, z_shape_1)
            z = Div<broadcast=1>(x, z_Reshape_1)
        }""",
    )


def test_a_gate_of_each_channel_is_multiplied_with_ones() -> None:
    assert_step(
        7,
        "g (float[N,3,1,2] x, float[N,3,1,1] y) => (float[N,3,1,2] z) { z = Mul(x, y) }",
        """g (
            float[N,3,1,2] x,
            float[N,3,1,1] y,
            float[1,2] ones = {1,1},
            int64[2] z_shape = {-1,1},
            int64[4] z_shape_1 = {-1,3,1,2}
        ) => (float[N,3,1,2] z) {
            z_Reshape = Reshape(y, z_shape)
            z_MatMul = MatMul(z_Reshape, ones)
            z_Reshape_1 = Reshape(z_MatMul, z_shape_1)
            z = Mul(x, z_Reshape_1)
        }""",
    )


def test_before_axes_of_open_lengths_they_start_at_an_axis() -> None:
    assert_step(
        7,
        "g (float[N,3,H,W] x, float[3,1,1] y) => (float[N,3,H,W] z) { z = Div(x, y) }",
        """g (float[N,3,H,W] x, float[3,1,1] y) => (float[N,3,H,W] z) {
            z_Squeeze = Squeeze<axes=[1, 2]>(y)
            z = Div<axis=1, broadcast=1>(x, z_Squeeze)
        }""",
    )


def test_a_weight_is_copied_by_nodes() -> None:
    assert_step(
        7,
        "g (float[N,2,2] x, float[2,1] y = {1, 2}) => (float[N,2,2] z) { z = Sub(x, y) }",
        """g (float[N,2,2] x, float[2,1] y = {1, 2}, float[1,2] ones = {1, 1}) => (float[N,2,2] z) {
            z_MatMul = MatMul(y, ones)
            z = Sub<broadcast=1>(x, z_MatMul)
        }""",
    )


def test_a_length_of_one_between_others_is_copied() -> None:
    assert_step(
        7,
        "g (float[N,3,4,5] x, float[3,1,5] y) => (float[N,3,4,5] z) { z = Add(x, y) }",
        """g (float[N,3,4,5] x, float[3,1,5] y) => (float[N,3,4,5] z) {
            z_Concat = Concat<axis=1>(y, y, y, y)
            z = Add<broadcast=1>(x, z_Concat)
        }""",
    )


def test_many_copies_are_copies_of_copies() -> None:
    assert_step(
        7,
        "g (float[2,19,3] x, float[2,1,3] y) => (float[2,19,3] z) { z = Add(x, y) }",
        """g (float[2,19,3] x, float[2,1,3] y) => (float[2,19,3] z) {
            z_Concat = Concat<axis=1>(y, y, y, y)
            z_Concat_1 = Concat<axis=1>(z_Concat, z_Concat, y)
            z_Concat_2 = Concat<axis=1>(z_Concat_1, z_Concat_1, y)
            z = Add(x, z_Concat_2)
        }""",
    )


def test_a_smaller_first_operand_is_swapped() -> None:
    assert_step(
        7,
        "g (float[4] x, float[N,3,4] y) => (float[N,3,4] z) { z = Mul(x, y) }",
        """g (float[4] x, float[N,3,4] y) => (float[N,3,4] z) {
            z = Mul<broadcast=1>(y, x)
        }""",
    )


def test_a_smaller_first_operand_of_a_comparison_is_mirrored() -> None:
    assert_step(
        7,
        "g (float[4] x, float[N,3,4] y) => (bool[N,3,4] z) { z = Less(x, y) }",
        """g (float[4] x, float[N,3,4] y) => (bool[N,3,4] z) {
            z = Greater<broadcast=1>(y, x)
        }""",
    )


def test_a_number_minus_a_tensor() -> None:
    assert_step(
        7,
        "g (float[1] x, float[N,3,4] y) => (float[N,3,4] z) { z = Sub(x, y) }",
        """g (float[1] x, float[N,3,4] y) => (float[N,3,4] z) {
            z_Neg = Neg(y)
            z = Add<broadcast=1>(z_Neg, x)
        }""",
    )


def test_a_number_by_a_tensor() -> None:
    assert_step(
        7,
        "g (float[1] x, float[N,3,4] y) => (float[N,3,4] z) { z = Div(x, y) }",
        """g (float[1] x, float[N,3,4] y) => (float[N,3,4] z) {
            z_Clip = Clip<max=0.0, min=0.0>(y)
            z_Add = Add<broadcast=1>(z_Clip, x)
            z = Div(z_Add, y)
        }""",
    )


def test_one_by_a_tensor() -> None:
    assert_step(
        7,
        "g (float[N,3,4] x, float one = {1}) => (float[N,3,4] z) { z = Div(one, x) }",
        """g (float[N,3,4] x) => (float[N,3,4] z) {
            z = Reciprocal(x)
        }""",
    )


def test_a_small_constant_by_a_tensor_of_fixed_shape() -> None:
    assert_step(
        7,
        "g (float[2,2] x, float[2] c = {1, 2}) => (float[2,2] z) { z = Div(c, x) }",
        """g (float[2,2] x, float[2] c = {1.0, 2.0}) => (float[2,2] z) {
            z_Clip = Clip<max=0.0, min=0.0>(x)
            z_Add = Add<broadcast=1>(z_Clip, c)
            z = Div(z_Add, x)
        }""",
    )


def test_what_knows_no_axis_in_openvino_gets_the_whole_shape() -> None:
    assert_step(
        7,
        "g (float[N,3,H] x, float[3,1] y) => (bool[N,3,H] z) { z = Greater(x, y) }",
        """g (float[N,3,H] x, float[3,1] y) => (bool[N,3,H] z) {
            z_Squeeze = Squeeze<axes=[1]>(y)
            z_Clip = Clip<max=0.0, min=0.0>(x)
            z_Add = Add<axis=1, broadcast=1>(z_Clip, z_Squeeze)
            z = Greater(x, z_Add)
        }""",
    )


def test_conditions_are_copied() -> None:
    assert_step(
        7,
        "g (bool[N,3,4] x, bool[3,1] y) => (bool[N,3,4] z) { z = Or(x, y) }",
        """g (bool[N,3,4] x, bool[3,1] y) => (bool[N,3,4] z) {
            z_Concat = Concat<axis=1>(y, y, y, y)
            z = Or<broadcast=1>(x, z_Concat)
        }""",
    )


def test_both_operands_are_copied() -> None:
    assert_step(
        7,
        "g (float[N,1,5] x, float[1,4,1] y) => (float[N,4,5] z) { z = Add(x, y) }",
        """g (float[N,1,5] x, float[1,4,1] y, float[1,5] ones = {1,1,1,1,1}) => (float[N,4,5] z) {
            z_Concat = Concat<axis=1>(x, x, x, x)
            z_Squeeze = Squeeze<axes=[0]>(y)
            z_MatMul = MatMul(z_Squeeze, ones)
            z = Add<broadcast=1>(z_Concat, z_MatMul)
        }""",
    )


def test_the_one_with_the_batch_is_copied_along_fixed_axes() -> None:
    assert_step(
        7,
        "g (float[1,1,5] x, float[N,4,1] y) => (float[N,4,5] z) { z = Add(x, y) }",
        """g (float[1,1,5] x, float[N,4,1] y) => (float[N,4,5] z) {
            z_Concat = Concat<axis=2>(y, y, y, y, y)
            z_Squeeze = Squeeze<axes=[0, 1]>(x)
            z = Add<broadcast=1>(z_Concat, z_Squeeze)
        }""",
    )


def test_a_batch_is_copied_along_by_a_column_of_ones() -> None:
    assert_step(
        7,
        "g (float[1,M] x, float[N,1] y) => (float[N,M] z) { z = Sub(x, y) }",
        """g (float[1,M] x, float[N,1] y) => (float[N,M] z) {
            z_Clip = Clip<max=1.0, min=1.0>(y)
            z_MatMul = MatMul(z_Clip, x)
            z_Squeeze = Squeeze<axes=[1]>(y)
            z = Sub<axis=0, broadcast=1>(z_MatMul, z_Squeeze)
        }""",
    )


def test_fewer_axes_of_the_first_operand() -> None:
    assert_step(
        7,
        "g (float[3] x, float[1,1] y) => (float[1,3] z) { z = Sub(x, y) }",
        """g (float[3] x, float[1,1] y) => (float[1,3] z) {
            z_Unsqueeze = Unsqueeze<axes=[0]>(x)
            z = Sub<broadcast=1>(z_Unsqueeze, y)
        }""",
    )


def test_equal_shapes_need_no_word() -> None:
    text = "g (float[N,3] x, float[N,3] y) => (float[N,3] z) { z = Add(x, y) }"
    assert_step(7, text, text)


def test_infinities_are_divided_as_before() -> None:
    model = parse(7, "g (float[3] x, float[2,3] y) => (float[2,3] z) { z = Div(x, y) }")
    divisors = np.array([[np.inf, -np.inf, 1], [0, 2, -0.5]], dtype=np.float32)
    found = run_openvino(step(model), {"x": np.array([1, 2, np.inf], dtype=np.float32), "y": divisors})[0]
    np.testing.assert_array_equal(found, np.array([[0, 0, np.inf], [np.inf, 1, -np.inf]], dtype=np.float32))


def test_an_unknown_number_of_axes_is_refused() -> None:
    text = "g (float x, int64[K] s, float y) => (float z) { a = Reshape(x, s) z = Add(a, y) }"
    with pytest.raises(RetargetError, match=r"7 to 6: .*number of axes of a is not"):
        step(parse(7, text))


@pytest.mark.parametrize("operator", OPERATORS)
@given(
    shape=st.lists(st.sampled_from([2, 3]), min_size=1, max_size=4),
    ones=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=4),
    missing=st.integers(0, 4),
    swapped=st.booleans(),
)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_two_shapes_give_the_same(
    operator: str, shape: list[int], ones: list[tuple[bool, bool]], missing: int, swapped: bool
) -> None:
    first = [1 if one and not other else length for length, (one, other) in zip(shape, ones, strict=False)]
    second = [1 if other else length for length, (_, other) in zip(shape, ones, strict=False)][missing:]
    whole = np.broadcast_shapes(tuple(first), tuple(second))
    shapes = (second, first) if swapped else (first, second)
    logical = operator in ("And", "Or", "Xor")
    kind = "bool" if logical else "int32" if operator == "Equal" else "float"
    result = "bool" if logical or operator in ("Equal", "Greater", "Less") else "float"
    texts = [f"{kind}[{','.join(map(str, own))}]".replace("[]", "") for own in (*shapes, whole)]
    output = texts[2].replace(kind, result)
    model = parse(7, f"g ({texts[0]} x, {texts[1]} y) => ({output} z) {{ z = {operator}(x, y) }}")
    numbers = [
        np.asarray(
            np.abs(noise(tuple(own), {"float": np.float32, "bool": np.bool_}.get(kind, np.int32), seed))
        )
        for seed, own in enumerate(shapes)
    ]
    lowered = step(model)
    if operator not in ("Add", "Div", "Mul", "Sub"):
        assert "axis" not in {
            a.name for n in lowered.graph.node if n.op_type == operator for a in n.attribute
        }
    assert_same_numbers(model, lowered, dict(zip("xy", numbers, strict=True)), zeros=result == "bool")
    assert text_of(step(model)) == text_of(lowered)
