"""SwiGLU by its definition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step
from tests.opsets.onnx_cases import assert_case, cases_of
from tests.opsets.shapes import Shape, shapes


@pytest.mark.parametrize("target", [27, 12, 3])
@pytest.mark.parametrize("name", cases_of("SwiGLU"))
def test_onnx_cases(name: str, target: int) -> None:
    assert_case("SwiGLU", name, target)


def test_it_is_a_swish_and_a_product() -> None:
    assert_step(
        28,
        "g (float[N,4] a, float[N,4] b) => (float[N,4] y) { y = SwiGLU<alpha=0.5>(a, b) }",
        """g (float[N,4] a, float[N,4] b) => (float[N,4] y) {
            y_Swish = Swish<alpha=0.5>(a)
            y = Mul(y_Swish, b)
        }""",
    )


@given(shapes(), st.sampled_from([None, 0.5, -2.0]))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_shape_and_alpha_give_the_same(shape: Shape, alpha: float | None) -> None:
    form = "" if alpha is None else f"<alpha={alpha}>"
    model = parse(
        28,
        f"g (float{shape.text} a, float{shape.text} b) => (float{shape.text} y) {{ y = SwiGLU{form}(a, b) }}",
    )
    inputs = {"a": noise(shape.lengths), "b": noise(shape.lengths, seed=3)}
    assert_same_numbers(model, step(model), inputs)
    assert_same_numbers(model, convert(model, 28, 7).model, inputs, tolerance=1e-5)
