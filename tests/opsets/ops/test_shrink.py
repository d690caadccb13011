"""Shrink below 9, ThresholdedRelu below 10."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step
from tests.opsets.shapes import Shape, in_brackets, shapes


def test_a_soft_shrink_is_two_relus() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { z = Shrink<lambd=0.5, bias=0.5>(x) }",
        """g (float[N,3] x, float z_lambd = {0.5}, float z_lambd_1 = {0.5}) => (float[N,3] z) {
            z_Sub = Sub(x, z_lambd)
            z_Relu = Relu(z_Sub)
            z_Neg = Neg(x)
            z_Sub_1 = Sub(z_Neg, z_lambd_1)
            z_Relu_1 = Relu(z_Sub_1)
            z = Sub(z_Relu, z_Relu_1)
        }""",
    )


def test_a_hard_shrink_is_masked() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) { z = Shrink(x) }",
        """g (
            float[N,3] x,
            float z_bias = {0.0},
            float z_bias_1 = {-0.0},
            float z_lambd = {-0.5},
            float z_lambd_1 = {0.5}
        ) => (float[N,3] z) {
            z_Less = Less(x, z_lambd)
            z_Cast = Cast<to=1>(z_Less)
            z_Add = Add(x, z_bias)
            z_Mul = Mul(z_Add, z_Cast)
            z_Greater = Greater(x, z_lambd_1)
            z_Cast_1 = Cast<to=1>(z_Greater)
            z_Add_1 = Add(x, z_bias_1)
            z_Mul_1 = Mul(z_Add_1, z_Cast_1)
            z = Add(z_Mul, z_Mul_1)
        }""",
    )


def test_a_threshold_is_a_where() -> None:
    assert_step(
        10,
        "g (float[N,3] x) => (float[N,3] z) { z = ThresholdedRelu(x) }",
        """g (float[N,3] x) => (float[N,3] z)
        <float z_alpha = {1.0}, float z_zero = {0.0}> {
            z_Greater = Greater(x, z_alpha)
            z = Where(z_Greater, x, z_zero)
        }""",
    )


@given(st.floats(0, 2, width=32), st.floats(-1, 2, width=32), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_edge_and_bias_give_the_same(edge: float, bias: float, soft: bool) -> None:
    attributes = f"lambd={edge!r}, bias={(edge if soft else bias)!r}"
    model = parse(9, f"g (float[N,9] x) => (float[N,9] z) {{ z = Shrink<{attributes}>(x) }}")
    values = np.linspace(-4, 4, 18, dtype=np.float32).reshape(2, 9)
    values[0, 0], values[1, 8] = -edge, edge
    assert_same_numbers(model, step(model), {"x": values})


@pytest.mark.parametrize("alpha", [-1.0, 0.0, 1.5])
def test_any_threshold_gives_the_same(alpha: float) -> None:
    model = parse(10, f"g (float[9] x) => (float[9] z) {{ z = ThresholdedRelu<alpha={alpha}>(x) }}")
    for target in (9, 6):
        lowered = convert(model, 10, target).model
        assert_same_numbers(model, lowered, {"x": np.linspace(-2, 2, 9, dtype=np.float32)})


def test_integers_are_refused() -> None:
    with pytest.raises(RetargetError, match=r"Shrink .*9 to 8: its input is INT32"):
        step(parse(9, "g (int32[2] x) => (int32[2] z) { z = Shrink(x) }"))


@given(shapes(), st.none() | st.floats(-2, 2, width=32), st.sampled_from([9, 9, 9, 6]), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_threshold_of_any_shape(
    shape: Shape, alpha: float | None, target: int, data: st.DataObject
) -> None:
    """The threshold itself is not above it, and ``alpha`` is 1 where it is left out."""
    attribute = in_brackets([f"alpha={alpha!r}"] if alpha is not None else [])
    model = parse(
        10, f"g (float{shape.text} x) => (float{shape.text} z) {{ z = ThresholdedRelu{attribute}(x) }}"
    )
    edge = 1.0 if alpha is None else alpha
    elements = st.sampled_from([edge, -edge, 0.0, -0.0]) | st.floats(-4, 4, width=32)
    numbers = data.draw(arrays(np.float32, shape.lengths, elements=elements))
    assert_same_numbers(model, convert(model, 10, target).model, {"x": numbers}, zeros=True)
