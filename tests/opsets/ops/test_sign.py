"""Sign below 9: blown up and clipped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, from_dtype

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, run, step
from tests.opsets.shapes import Shape, shapes


def test_a_number_is_blown_up_and_clipped() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { z = Sign(x) }",
        """g (float[N,3] x, float z_factor = {1e+30}, float z_factor_1 = {1e+30}) => (float[N,3] z) {
            z_Mul = Mul(x, z_factor)
            z_Clip = Clip<max=1.0, min=-1.0>(z_Mul)
            z_Mul_1 = Mul(z_Clip, z_factor_1)
            z = Clip<max=1.0, min=-1.0>(z_Mul_1)
        }""",
    )


def test_the_smallest_and_the_largest_have_their_sign() -> None:
    model = parse(9, "g (float[8] x) => (float[8] z) { z = Sign(x) }")
    numbers = np.array([0, -0.0, 1e-45, -1e-45, 1e-30, 3e38, np.inf, -np.inf], dtype=np.float32)
    np.testing.assert_array_equal(run(step(model), {"x": numbers})[0], [0, 0, 1, -1, 1, 1, 1, -1])


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "int64", "uint64", "double"])
def test_any_type_gives_the_same(kind: str) -> None:
    model = parse(9, f"g ({kind}[4] x) => ({kind}[4] z) {{ z = Sign(x) }}")
    top = np.iinfo(kind).max if kind != "double" else 1e-40
    bottom = np.iinfo(kind).min if kind != "double" else -1e300
    assert_same_numbers(
        model, step(model), {"x": np.array([0, 1, top, bottom], kind.replace("double", "f8"))}
    )


@given(shapes(), st.sampled_from(["float32", "float64", "int8", "uint8", "int32", "int64"]), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_numbers_are_as_numpy_has_them(shape: Shape, kind: str, data: st.DataObject) -> None:
    """Zeros of both signs, infinities and the smallest numbers among the floats."""
    name = {"float32": "float", "float64": "double"}.get(kind, kind)
    model = parse(9, f"g ({name}{shape.text} x) => ({name}{shape.text} z) {{ z = Sign(x) }}")
    special = st.sampled_from([0.0, -0.0, np.inf, -np.inf, 2.0**-149, -(2.0**-149)])
    elements = special | st.floats(-4, 4, width=32) if "float" in kind else from_dtype(np.dtype(kind))
    numbers = data.draw(arrays(kind, shape.lengths, elements=elements))
    (found,) = run(step(model), {"x": numbers})
    assert (found.dtype, found.shape) == (numbers.dtype, shape.lengths)
    np.testing.assert_array_equal(found, np.sign(numbers))
