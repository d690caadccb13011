"""Scatter, ScatterElements and ScatterND: choices, masks and reductions by older operators."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_the_older_name_takes_indices_from_the_front() -> None:
    assert_step(
        11,
        """g (float[2,3] x, float[2,1] u) => (float[2,3] z)
        <int64[2,1] i = {-1,0}>
        {
            z = ScatterElements<axis=-1>(x, i, u)
        }""",
        """g (float[2,3] x, float[2,1] u) => (float[2,3] z)
        <int64[2,1] z_indices = {2,0}>
        {
            z = Scatter<axis=1>(x, z_indices, u)
        }""",
    )


def test_below_9_constant_indices_choose() -> None:
    assert_step(
        9,
        """g (float[2,2] x, float[2,1] u, int64[2,1] i = {1,0}) => (float[2,2] z)
        {
            z = Scatter<axis=1>(x, i, u)
        }""",
        """g (float[2,2] x,
        float[2,1] u,
        int64[4] z_chosen = {0,4,5,3},
        int64[1] z_shape = {4},
        int64[1] z_shape_1 = {2},
        int64[2] z_shape_2 = {2,2})
        => (float[2,2] z)
        {
            z_Reshape = Reshape(x, z_shape)
            z_Reshape_1 = Reshape(u, z_shape_1)
            z_Concat = Concat<axis=0>(z_Reshape, z_Reshape_1)
            z_Gather = Gather<axis=0>(z_Concat, z_chosen)
            z = Reshape(z_Gather, z_shape_2)
        }""",
    )


def test_slices_at_constant_indices_are_chosen() -> None:
    assert_step(
        11,
        """g (float[3,N] x, float[2,N] u) => (float[3,N] z)
        <int64[2,1] i = {2,0}>
        {
            z = ScatterND(x, i, u)
        }""",
        """g (float[3,N] x, float[2,N] u) => (float[3,N] z)
        <int64[3] z_chosen = {4,1,3}>
        {
            z_Concat = Concat<axis=0>(x, u)
            z = Gather<axis=0>(z_Concat, z_chosen)
        }""",
    )


def test_slices_at_computed_indices_are_scattered_as_rows() -> None:
    assert_step(
        11,
        "g (float[5,2] x, float[1,2] u, int64[1,1] i) => (float[5,2] z) { z = ScatterND(x, i, u) }",
        """g (float[5,2] x, float[1,2] u, int64[1,1] i) => (float[5,2] z)
        <int64 z_zero = {0}, int64 z_length = {5}, int64[2] z_shape = {1,1}, int64[2] z_shape_1 = {1,2}>
        {
            z_Less = Less(i, z_zero)
            z_Cast = Cast<to=7>(z_Less)
            z_Mul = Mul(z_Cast, z_length)
            z_Add = Add(i, z_Mul)
            z_ReduceSum = ReduceSum<axes=[1], keepdims=0>(z_Add)
            z_Reshape = Reshape(z_ReduceSum, z_shape)
            z_Expand = Expand(z_Reshape, z_shape_1)
            z = Scatter<axis=0>(x, z_Expand, u)
        }""",
    )


def test_an_update_after_the_other_is_added() -> None:
    assert_step(
        16,
        """g (float[3] x, float[3] u) => (float[3] z)
        <int64[3] i = {2,0,2}>
        {
            z = ScatterElements<reduction="add">(x, i, u)
        }""",
        """g (float[3] x, float[3] u) => (float[3] z)
        <int64[2] z_places_1 = {0,2},
        int64[2] z_places_2 = {1,0},
        int64[3] z_chosen = {3,1,4},
        int64[1] z_places_3 = {2},
        int64[1] z_places_4 = {2},
        int64[3] z_chosen_1 = {0,1,3}>
        {
            z_Gather = Gather<axis=0>(x, z_places_1)
            z_Gather_1 = Gather<axis=0>(u, z_places_2)
            z_Add = Add(z_Gather, z_Gather_1)
            z_Concat = Concat<axis=0>(x, z_Add)
            z_Gather_2 = Gather<axis=0>(z_Concat, z_chosen)
            z_Gather_3 = Gather<axis=0>(z_Gather_2, z_places_3)
            z_Gather_4 = Gather<axis=0>(u, z_places_4)
            z_Add_1 = Add(z_Gather_3, z_Gather_4)
            z_Concat_1 = Concat<axis=0>(z_Gather_2, z_Add_1)
            z = Gather<axis=0>(z_Concat_1, z_chosen_1)
        }""",
    )


def test_sums_at_computed_indices_by_a_mask() -> None:
    assert_step(
        16,
        """g (float[5,2] x, float[3,2] u, int64[3,1] i) => (float[5,2] z)
        {
            z = ScatterND<reduction="add">(x, i, u)
        }""",
        """g (float[5,2] x, float[3,2] u, int64[3,1] i) => (float[5,2] z)
        <int64 z_zero = {0},
        int64 z_length = {5},
        int64[1] z_axes = {1},
        int64[3] z_shape = {3,1,1},
        int64[1,5,1] z_numbers = {0,1,2,3,4},
        float z_neutral = {0},
        int64[3] z_shape_1 = {3,1,2},
        int64[1] z_axes_1 = {0}>
        {
            z_Less = Less(i, z_zero)
            z_Cast = Cast<to=7>(z_Less)
            z_Mul = Mul(z_Cast, z_length)
            z_Add = Add(i, z_Mul)
            z_ReduceSum = ReduceSum<keepdims=0>(z_Add, z_axes)
            z_Reshape = Reshape(z_ReduceSum, z_shape)
            z_Equal = Equal(z_Reshape, z_numbers)
            z_Reshape_1 = Reshape(u, z_shape_1)
            z_Where = Where(z_Equal, z_Reshape_1, z_neutral)
            z_ReduceSum_1 = ReduceSum<keepdims=0>(z_Where, z_axes_1)
            z = Add(x, z_ReduceSum_1)
        }""",
    )


@pytest.mark.parametrize("reduction", ["add", "mul"])
def test_reductions_known_at_16_stay_above(reduction: str) -> None:
    text = f"""g (float[3] x, float[2] u) => (float[3] z) <int64[2] i = {{2,0}}> {{
        z = ScatterElements<reduction="{reduction}">(x, i, u)
    }}"""
    assert_step(18, text, text)


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            9,
            "g (float[3000] x, float[2999] u, int64[2999] i) => (float[3000] z) { z = Scatter(x, i, u) }",
            "9 to 8: its indices are computed at run time, and there are too many of them",
        ),
        (
            18,
            """g (float[4000] x, float[2000] u, int64[2000] i) => (float[4000] z) {
                z = ScatterElements<reduction="max">(x, i, u)
            }""",
            "18 to 17: its indices are computed at run time, and 2000 updates of 4000 rows too many",
        ),
    ],
)
def test_what_older_operators_do_not_scatter_is_refused(opset: int, text: str, reason: str) -> None:
    model = parse(opset, text)
    with pytest.raises(RetargetError, match=reason):
        step(model)


@given(
    st.sampled_from(["ScatterElements", "ScatterND"]),
    st.sampled_from(["none", "add", "mul", "max", "min"]),
    st.booleans(),
    st.sampled_from(["float", "int64"]),
    st.sampled_from([17, 15, 10]),
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_any_reduction_gives_the_same(
    operator: str, reduction: str, constant: bool, kind: str, target: int
) -> None:
    generator = np.random.default_rng(3)
    if operator == "ScatterND":
        indices, taken, attribute = np.array([[2], [-3], [1], [-1]]), (4, 3), ""
    else:
        indices, taken, attribute = generator.integers(-3, 3, (2, 2)), (2, 2), "axis=-1, "
    if reduction == "none":  # no two may be alike
        indices = np.array([[2], [-3]]) if operator == "ScatterND" else np.array([[-1, 0], [1, 2]])
        taken = (len(indices), 3) if operator == "ScatterND" else taken
    lengths, values = ",".join(map(str, indices.shape)), ",".join(map(str, indices.reshape(-1)))
    more, fixed = ("", f"<int64[{lengths}] i = {{{values}}}>") if constant else (f", int64[{lengths}] i", "")
    model = parse(
        18,
        f"""g ({kind}[3,3] x, {kind}[{",".join(map(str, taken))}] u{more}) => ({kind}[3,3] z) {fixed} {{
            z = {operator}<{attribute}reduction="{reduction}">(x, i, u)
        }}""",
    )
    lowered = model
    for _ in range(18, target, -1):
        lowered = step(lowered)
    of = np.float32 if kind == "float" else np.int64
    inputs = {"x": noise((3, 3), of, 1), "u": noise(taken, of, 2)} | ({} if constant else {"i": indices})
    assert_same_numbers(model, lowered, inputs)


@given(st.permutations([0, 1, 2]), st.integers(1, 3), st.integers(0, 1))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_choice_gives_the_same_below_9(order: list[int], count: int, axis: int) -> None:
    values = ",".join(map(str, order[:count]))
    shape = (1, count) if axis else (count, 1)
    lengths = ",".join(map(str, shape))
    model = parse(
        9,
        f"""g (float[3,3] x, float[{lengths}] u) => (float[3,3] z) <int64[{lengths}] i = {{{values}}}> {{
            z = Scatter<axis={axis}>(x, i, u)
        }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise((3, 3)), "u": noise(shape, seed=3)})
