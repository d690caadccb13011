"""Greater and Less: integers, and with equality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, run, step
from tests.opsets.shapes import Shape, shapes


def test_floats_are_greater_or_equal() -> None:
    assert_step(
        12,
        "g (float[N,3] x, float[3] y) => (bool[N,3] z) { z = GreaterOrEqual(x, y) }",
        """g (float[N,3] x, float[3] y) => (bool[N,3] z) {
            z_Greater = Greater(x, y)
            z_Equal = Equal(x, y)
            z = Or(z_Greater, z_Equal)
        }""",
    )


def test_integers_are_not_greater() -> None:
    assert_step(
        12,
        "g (int64[N,3] x, int64[3] y) => (bool[N,3] z) { z = LessOrEqual(x, y) }",
        """g (int64[N,3] x, int64[3] y) => (bool[N,3] z) {
            z_Greater = Greater(x, y)
            z = Not(z_Greater)
        }""",
    )


def test_integers_are_compared_as_doubles() -> None:
    assert_step(
        9,
        "g (int32[N,3] x, int32[3] y) => (bool[N,3] z) { z = Less(x, y) }",
        """g (int32[N,3] x, int32[3] y) => (bool[N,3] z) {
            z_Cast = Cast<to=11>(x)
            z_Cast_1 = Cast<to=11>(y)
            z = Less(z_Cast, z_Cast_1)
        }""",
    )


NUMBERS = np.array([0, 1, -1.5, np.inf, -np.inf, np.nan, 1e-45, 3e38], dtype=np.float32)
KINDS = {"float": "float32", "double": "float64", "int32": "int32", "int64": "int64"}


@pytest.mark.parametrize("operator", ["GreaterOrEqual", "LessOrEqual"])
def test_nan_is_on_neither_side(operator: str) -> None:
    model = parse(12, f"g (float[64] x, float[64] y) => (bool[64] z) {{ z = {operator}(x, y) }}")
    assert_same_numbers(model, step(model), {"x": np.repeat(NUMBERS, 8), "y": np.tile(NUMBERS, 8)})


@pytest.mark.parametrize("operator", ["Greater", "Less"])
@pytest.mark.parametrize("kind", ["float", "double", "int32", "int64"])
def test_any_type_gives_the_same(operator: str, kind: str) -> None:
    model = parse(9, f"g ({kind}[2,3] x, {kind}[3] y) => (bool[2,3] z) {{ z = {operator}(x, y) }}")
    types = kind.replace("double", "f8").replace("float", "f4")
    numbers = {"x": np.array([[0, 5, 2], [3, 1, 4]], types), "y": np.array([2, 5, 3], types)}
    assert_same_numbers(model, step(model), numbers)


@pytest.mark.parametrize("operator", ["GreaterOrEqual", "LessOrEqual", "Greater", "Less"])
@given(shape=shapes(), kind=st.sampled_from(sorted(KINDS)), data=st.data())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_shapes_and_numbers_are_as_numpy_has_them(
    operator: str, shape: Shape, kind: str, data: st.DataObject
) -> None:
    """Infinities, NaN and zeros of both signs among the floats; the second operand has fewer axes."""
    opset = 12 if operator.endswith("OrEqual") else 9
    fewer = shape.lengths[1:]
    second = f"{list(fewer)}" if fewer else ""
    model = parse(
        opset,
        f"g ({kind}{shape.text} x, {kind}{second} y) => (bool{shape.text} z) {{ z = {operator}(x, y) }}",
    )
    elements = st.sampled_from(
        [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan] if "float" in KINDS[kind] else [0, 1, 9]
    )
    x, y = (data.draw(arrays(KINDS[kind], lengths, elements=elements)) for lengths in (shape.lengths, fewer))
    (found,) = run(step(model), {"x": x, "y": y})
    exact = {"Greater": np.greater, "Less": np.less, "GreaterOrEqual": np.greater_equal}
    np.testing.assert_array_equal(found, exact.get(operator, np.less_equal)(x, y))
