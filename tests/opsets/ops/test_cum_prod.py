"""CumProd by products of 2, 4, 8 and more numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step
from tests.opsets.onnx_cases import assert_case, cases_of


@pytest.mark.parametrize("target", [25, 12, 7])
@pytest.mark.parametrize("name", cases_of("CumProd"))
def test_onnx_cases(name: str, target: int) -> None:
    assert_case("CumProd", name, target, frozenset({"axis"}))


def test_three_numbers_take_two_products() -> None:
    assert_step(
        26,
        "g (float[N,3] x) => (float[N,3] y) <int64 a = {1}> { y = CumProd(x, a) }",
        """g (float[N,3] x) => (float[N,3] y)
        <int64[4] y_pads = {0,1,0,-1}, float y_one = {1},
         int64[4] y_pads_1 = {0,2,0,-2}, float y_one_1 = {1}> {
            y_Pad = Pad(x, y_pads, y_one)
            y_Mul = Mul(x, y_Pad)
            y_Pad_1 = Pad(y_Mul, y_pads_1, y_one_1)
            y = Mul(y_Mul, y_Pad_1)
        }""",
    )


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.integers(-3, 2),
    st.sampled_from(["float", "int32", "double"]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_any_axis_and_direction_give_the_same(
    shape: list[int], axis: int, kind: str, exclusive: bool, reverse: bool
) -> None:
    axis = max(-len(shape), min(axis, len(shape) - 1))
    form = f"exclusive={int(exclusive)}, reverse={int(reverse)}"
    model = parse(
        26, f"g ({kind}{shape} x) => ({kind}{shape} y) <int64 a = {{{axis}}}> {{ y = CumProd<{form}>(x, a) }}"
    )
    numbers = noise(tuple(shape), {"float": "float32", "double": "float64"}.get(kind, kind))
    assert_same_numbers(model, step(model), {"x": numbers}, tolerance=1e-5)


@pytest.mark.parametrize(
    ("shape", "axis", "reason"),
    [("[N,3]", 0, "the length of axis 0 of x is not fixed"), ("[2,3]", 2, "axis 2 does not exist")],
)
def test_what_cannot_be_said_is_refused(shape: str, axis: int, reason: str) -> None:
    model = parse(
        26, f"g (float{shape} x) => (float{shape} y) <int64 a = {{{axis}}}> {{ y = CumProd(x, a) }}"
    )
    with pytest.raises(RetargetError, match=f"CumProd .*26 to 25: {reason}"):
        step(model)
