"""Celu below 12: Elu."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from opsets.walk import lower
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step


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
    assert lower(model, 12, 11).bounds == ("Celu below 12: relative error at most 1e-6",)


def test_an_alpha_that_is_not_above_0_is_refused() -> None:
    model = parse(12, "g (float[N,3] x) => (float[N,3] z) { z = Celu<alpha=-1.0>(x) }")
    with pytest.raises(RetargetError, match=r"Celu .*12 to 11: its alpha is -1.0, not above 0"):
        step(model)
