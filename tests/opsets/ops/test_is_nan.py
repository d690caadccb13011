"""IsNaN and IsInf by comparisons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import Array, assert_step, parse, run
from tests.opsets.shapes import Shape, shapes


def test_a_number_is_below_1_or_its_negative_below_0() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (bool[N,3] z) { z = IsNaN(x) }",
        """g (float[N,3] x, float z_one = {1.0}, float z_zero = {0.0}) => (bool[N,3] z) {
            z_Less = Less(x, z_one)
            z_Neg = Neg(x)
            z_Less_1 = Less(z_Neg, z_zero)
            z_Or = Or(z_Less, z_Less_1)
            z = Not(z_Or)
        }""",
        inputs={"x": np.array([[np.nan, 1, -2], [0, np.inf, np.nan]], dtype=np.float32)},
    )


def test_an_infinity_is_beyond_the_largest_number() -> None:
    assert_step(
        10,
        "g (float[N,3] x) => (bool[N,3] z) { z = IsInf(x) }",
        """g (float[N,3] x) => (bool[N,3] z)
        <float z_limit = {-3.4028235e+38}, float z_limit_1 = {-3.4028235e+38}> {
            z_Less = Less(x, z_limit)
            z_Neg = Neg(x)
            z_Less_1 = Less(z_Neg, z_limit_1)
            z = Or(z_Less, z_Less_1)
        }""",
        inputs={"x": np.array([[np.nan, 1, -np.inf], [0, np.inf, 3e38]], dtype=np.float32)},
    )


NUMBERS = np.array([0, 1, -1.5, np.inf, -np.inf, np.nan, 3e38, -3.4028235e38], dtype=np.float32)


@pytest.mark.parametrize("target", [8, 7, 6, 3])
def test_nan_is_found(target: int) -> None:
    lowered = convert(parse(9, "g (float[8] x) => (bool[8] z) { z = IsNaN(x) }"), 9, target)
    np.testing.assert_array_equal(run(lowered.model, {"x": NUMBERS})[0], np.isnan(NUMBERS))


@pytest.mark.parametrize("target", [9, 7, 6])
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", np.isinf(NUMBERS)),
        ("<detect_negative=0>", np.isposinf(NUMBERS)),
        ("<detect_positive=0>", np.isneginf(NUMBERS)),
    ],
)
def test_infinities_are_found(attributes: str, expected: np.ndarray, target: int) -> None:
    lowered = convert(parse(10, f"g (float[8] x) => (bool[8] z) {{ z = IsInf{attributes}(x) }}"), 10, target)
    np.testing.assert_array_equal(run(lowered.model, {"x": NUMBERS})[0], expected)


def test_no_infinity_at_all_is_refused() -> None:
    text = "g (float[8] x) => (bool[8] z) { z = IsInf<detect_negative=0, detect_positive=0>(x) }"
    with pytest.raises(RetargetError, match=r"IsInf .*10 to 9: it detects infinities of neither sign"):
        convert(parse(10, text), 10, 9)


@given(
    shapes(), st.sampled_from(["IsNaN", "IsInf"]), st.integers(0, 3), st.sampled_from([8, 8, 7, 6]), st.data()
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_shape_and_numbers_are_as_numpy_has_them(
    shape: Shape, operator: str, signs: int, target: int, data: st.DataObject
) -> None:
    """Signs: both by default, both in words, one or the other."""
    attributes = ["", "<detect_negative=1, detect_positive=1>", "<detect_negative=0>", "<detect_positive=0>"][
        signs
    ]
    exact: Callable[[Array], Array] = (np.isinf, np.isinf, np.isposinf, np.isneginf)[signs]
    opset = 10
    if operator == "IsNaN":
        opset, attributes, exact = 9, "", np.isnan
    model = parse(
        opset, f"g (float{shape.text} x) => (bool{shape.text} z) {{ z = {operator}{attributes}(x) }}"
    )
    numbers = data.draw(arrays(np.float32, shape.lengths, elements=st.floats(width=32)))
    np.testing.assert_array_equal(run(convert(model, opset, target).model, {"x": numbers})[0], exact(numbers))
