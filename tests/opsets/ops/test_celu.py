"""Celu below 12: Elu."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, run, step
from tests.opsets.shapes import Shape, shapes


def test_with_alpha_1_it_is_elu() -> None:
    assert_step(
        12,
        "g (float[N,3] x) => (float[N,3] z) { z = Celu(x) }",
        """g (float[N,3] x) => (float[N,3] z) {
            z = Elu<alpha=1.0>(x)
        }""",
    )


def test_another_alpha_scales_elu() -> None:
    assert_step(
        12,
        "g (float[N,3] x) => (float[N,3] z) { z = Celu<alpha=2.0>(x) }",
        """g (float[N,3] x) => (float[N,3] z)
        <float z_alpha = {2.0}, float z_alpha_1 = {2.0}> {
            z_Div = Div(x, z_alpha)
            z_Elu = Elu<alpha=1.0>(z_Div)
            z = Mul(z_Elu, z_alpha_1)
        }""",
    )


@pytest.mark.parametrize("alpha", [0.1, 0.5, 3.0])
def test_any_alpha_gives_the_same(alpha: float) -> None:
    model = parse(12, f"g (float[N,30] x) => (float[N,30] z) {{ z = Celu<alpha={alpha}>(x) }}")
    assert_same_numbers(model, step(model))
    bound = "Celu below 12: relative error at most 1e-6, infinite beyond 3.4e38 times alpha"
    assert convert(model, 12, 11).bounds == (bound,)


def test_an_alpha_that_is_not_above_0_is_refused() -> None:
    model = parse(12, "g (float[N,3] x) => (float[N,3] z) { z = Celu<alpha=-1.0>(x) }")
    with pytest.raises(RetargetError, match=r"Celu .*12 to 11: its alpha is -1.0, not above 0"):
        step(model)


@given(shapes(), st.none() | st.floats(0.125, 8, width=32), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_numbers_give_the_same(shape: Shape, alpha: float | None, data: st.DataObject) -> None:
    """Infinities and NaN, too; ``alpha`` is 1 where it is left out."""
    attribute = "" if alpha is None else f"<alpha={alpha!r}>"
    model = parse(12, f"g (float{shape.text} x) => (float{shape.text} z) {{ z = Celu{attribute}(x) }}")
    elements = st.sampled_from([np.inf, -np.inf, np.nan, -0.0]) | st.floats(-(2.0**124), 2.0**124, width=32)
    numbers = {"x": data.draw(arrays(np.float32, shape.lengths, elements=elements))}
    (above,), (below,) = run(model, numbers), run(step(model), numbers)
    assert above.shape == below.shape
    np.testing.assert_allclose(below, above, rtol=1e-6, atol=1e-6 * (alpha or 1))
