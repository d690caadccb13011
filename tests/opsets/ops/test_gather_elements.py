"""GatherElements: a Gather from the flat tensor."""

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
        """g (float[2,3] x) => (float[2,2] z)
        <int64[2,2] i = {0,-1,2,1}>
        {
            z = GatherElements<axis=1>(x, i)
        }""",
        """g (float[2,3] x) => (float[2,2] z)
        <int64[2,2] z_places = {0,2,5,4}, int64[1] z_shape = {6}>
        {
            z_Reshape = Reshape(x, z_shape)
            z = Gather<axis=0>(z_Reshape, z_places)
        }""",
    )


def test_computed_indices_become_places_at_run_time() -> None:
    assert_step(
        11,
        "g (float[5,2] x, int64[1,2] i) => (float[1,2] z) { z = GatherElements(x, i) }",
        """g (float[5,2] x, int64[1,2] i) => (float[1,2] z)
        <int64 z_zero = {0},
        int64 z_length = {5},
        int64 z_stride = {2},
        int64[1,2] z_base = {0,1},
        int64[1] z_shape = {10}>
        {
            z_Less = Less(i, z_zero)
            z_Cast = Cast<to=7>(z_Less)
            z_Mul = Mul(z_Cast, z_length)
            z_Add = Add(i, z_Mul)
            z_Mul_1 = Mul(z_Add, z_stride)
            z_Add_1 = Add(z_Mul_1, z_base)
            z_Reshape = Reshape(x, z_shape)
            z = Gather<axis=0>(z_Reshape, z_Add_1)
        }""",
    )


def test_an_open_axis_is_refused() -> None:
    model = parse(11, "g (float[N,3] x, int64[1,3] i) => (float[1,3] z) { z = GatherElements(x, i) }")
    with pytest.raises(
        RetargetError, match=r"GatherElements .*11 to 10: the length of axis 0 of x is not fixed"
    ):
        step(model)


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.data(),
    st.booleans(),
    st.sampled_from(["int64", "int32"]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_indices_give_the_same(shape: list[int], data: st.DataObject, constant: bool, kind: str) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    taken = [data.draw(st.integers(1, length)) for length in shape]
    taken[axis] = data.draw(st.integers(1, 4))
    indices = np.random.default_rng(len(shape)).integers(-shape[axis], shape[axis], taken)
    lengths, values = ",".join(map(str, taken)), ",".join(map(str, indices.reshape(-1)))
    more, fixed = (
        ("", f"<{kind}[{lengths}] i = {{{values}}}>") if constant else (f", {kind}[{lengths}] i", "")
    )
    model = parse(
        11,
        f"""g (float[{",".join(map(str, shape))}] x{more}) => (float[{lengths}] z) {fixed} {{
            z = GatherElements<axis={axis}>(x, i)
        }}""",
    )
    inputs = {"x": noise(tuple(shape))} | ({} if constant else {"i": indices.astype(kind)})
    assert_same_numbers(model, step(model), inputs)
