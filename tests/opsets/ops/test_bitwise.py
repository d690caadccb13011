"""BitwiseNot by arithmetic; what combines bits is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step

KINDS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def test_with_a_sign_it_is_minus_one_less_the_number() -> None:
    assert_step(
        18,
        "g (int32[N,4] x) => (int32[N,4] y) { y = BitwiseNot(x) }",
        "g (int32[N,4] x) => (int32[N,4] y) <int32 y_all_bits = {-1}> { y = Sub(y_all_bits, x) }",
    )


def test_without_a_sign_it_is_the_largest_less_the_number() -> None:
    assert_step(
        18,
        "g (uint8[N,4] x) => (uint8[N,4] y) { y = BitwiseNot(x) }",
        "g (uint8[N,4] x) => (uint8[N,4] y) <uint8 y_all_bits = {255}> { y = Sub(y_all_bits, x) }",
    )


@given(st.sampled_from(KINDS), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_number_of_any_kind_gives_the_same(kind: str, data: st.DataObject) -> None:
    limits = np.iinfo(kind)
    numbers = data.draw(st.lists(st.integers(int(limits.min), int(limits.max)), min_size=1, max_size=5))
    x = np.array([*numbers, limits.min, limits.max], dtype=kind)
    model = parse(18, f"g ({kind}[{x.size}] x) => ({kind}[{x.size}] y) {{ y = BitwiseNot(x) }}")
    assert_same_numbers(model, step(model), {"x": x})


@pytest.mark.parametrize("operator", ["And", "Or", "Xor"])
def test_bits_are_not_combined(operator: str) -> None:
    model = parse(18, f"g (int32[2] x, int32[2] z) => (int32[2] y) {{ y = Bitwise{operator}(x, z) }}")
    with pytest.raises(
        RetargetError,
        match=rf"Bitwise{operator} .*18 to 17: no older operator combines the bits.* not known .* opset 18",
    ):
        step(model)


def test_of_constants_they_are_computed() -> None:
    model = parse(
        18,
        """g (int32[2] x) => (int32[2] y) <int32[2] a = {12,10}, int32[2] b = {10,3}>
        { c = BitwiseXor(a, b) y = Add(x, c) }""",
    )
    assert_same_numbers(model, step(model))
