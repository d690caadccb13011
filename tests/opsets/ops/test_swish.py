"""Swish by its definition."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_without_alpha_it_is_a_sigmoid_as_gate() -> None:
    assert_step(
        24,
        "g (float[N,4] x) => (float[N,4] y) { y = Swish(x) }",
        "g (float[N,4] x) => (float[N,4] y) { y_Sigmoid = Sigmoid(x) y = Mul(x, y_Sigmoid) }",
    )


def test_alpha_scales_what_the_sigmoid_sees() -> None:
    assert_step(
        24,
        "g (float[N,4] x) => (float[N,4] y) { y = Swish<alpha=1.5>(x) }",
        """g (float[N,4] x) => (float[N,4] y) <float y_alpha = {1.5}> {
            y_Mul = Mul(x, y_alpha)
            y_Sigmoid = Sigmoid(y_Mul)
            y = Mul(x, y_Sigmoid)
        }""",
    )


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.sampled_from([None, 1.0, 0.5, -2.0, 0.0]))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_shape_and_alpha_gives_the_same(shape: list[int], alpha: float | None) -> None:
    form = "" if alpha is None else f"<alpha={alpha}>"
    model = parse(24, f"g (float{shape} x) => (float{shape} y) {{ y = Swish{form}(x) }}")
    x = {"x": noise(tuple(shape))}
    assert_same_numbers(model, step(model), x)
    assert_same_numbers(model, convert(model, 24, 7).model, x)


def test_at_3_it_is_the_same() -> None:
    model = parse(24, "g (float[N,4] x) => (float[N,4] y) { y = Swish<alpha=0.5>(x) }")
    assert_same_numbers(model, convert(model, 24, 3).model, {"x": noise((3, 4))})
