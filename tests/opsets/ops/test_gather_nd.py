"""GatherND: a Gather along the indexed axes, laid together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_constant_indices_become_places() -> None:
    assert_step(
        11,
        "g (float[2,3,N] x) => (float[2,N] z) <int64[2,2] i = {0,-1,1,0}> { z = GatherND(x, i) }",
        """g (float[2,3,N] x) => (float[2,N] z)
        <int64[2] z_places = {2,3}, int64[2] z_shape = {6,-1}>
        {
            z_Reshape = Reshape(x, z_shape)
            z = Gather<axis=0>(z_Reshape, z_places)
        }""",
    )


def test_computed_indices_become_places_at_run_time() -> None:
    assert_step(
        11,
        "g (float[5,6] x, int64[4,2] i) => (float[4] z) { z = GatherND(x, i) }",
        """g (float[5,6] x, int64[4,2] i) => (float[4] z)
        <int64 z_zero = {0},
        int64[2] z_length = {5,6},
        int64[2] z_strides = {6,1},
        int64[1] z_shape = {30}>
        {
            z_Less = Less(i, z_zero)
            z_Cast = Cast<to=7>(z_Less)
            z_Mul = Mul(z_Cast, z_length)
            z_Add = Add(i, z_Mul)
            z_Mul_1 = Mul(z_Add, z_strides)
            z_ReduceSum = ReduceSum<axes=[1], keepdims=0>(z_Mul_1)
            z_Reshape = Reshape(x, z_shape)
            z = Gather<axis=0>(z_Reshape, z_ReduceSum)
        }""",
    )


def test_at_12_without_a_batch_nothing_changes() -> None:
    text = "g (float[5,6] x, int64[4,2] i) => (float[4] z) { z = GatherND(x, i) }"
    assert_step(12, text, text)


def test_a_batch_is_laid_together_too() -> None:
    assert_step(
        12,
        "g (float[2,3] x) => (float[2] z) <int64[2,1] i = {0,-1}> { z = GatherND<batch_dims=1>(x, i) }",
        """g (float[2,3] x) => (float[2] z)
        <int64[2] z_places = {0,5}, int64[1] z_shape = {6}>
        {
            z_Reshape = Reshape(x, z_shape)
            z = Gather<axis=0>(z_Reshape, z_places)
        }""",
    )


def test_an_open_axis_is_refused() -> None:
    model = parse(11, "g (float[N,3] x, int64[2,1] i) => (float[2,3] z) { z = GatherND(x, i) }")
    with pytest.raises(RetargetError, match=r"GatherND .*11 to 10: the length of axis 0 of x is not fixed"):
        step(model)


@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=3), st.integers(0, 1), st.integers(1, 2), st.booleans()
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_indices_give_the_same(shape: list[int], batch: int, depth: int, constant: bool) -> None:
    depth = min(depth, len(shape) - batch)
    indexed = np.array(shape[batch : batch + depth])
    taken = [*shape[:batch], 2, depth]
    indices = np.random.default_rng(depth).integers(-indexed, indexed, taken)
    lengths, values = ",".join(map(str, taken)), ",".join(map(str, indices.reshape(-1)))
    more, fixed = ("", f"<int64[{lengths}] i = {{{values}}}>") if constant else (f", int64[{lengths}] i", "")
    result = ",".join(f"d{axis}" for axis in range(len(shape) + 1 - depth))
    model = parse(
        12,
        f"""g (float[{",".join(map(str, shape))}] x{more}) => (float[{result}] z) {fixed} {{
            z = GatherND<batch_dims={batch}>(x, i)
        }}""",
    )
    inputs = {"x": noise(tuple(shape))} | ({} if constant else {"i": indices})
    assert_same_numbers(model, step(step(model)), inputs)
