"""BitCast of constants, and of integers of one width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_step, parse, run, step
from tests.opsets.onnx_cases import assert_case, cases_of

NUMBERS = {"int8": 3, "uint8": 2, "int16": 5, "uint16": 4, "int32": 6, "uint32": 12}


@pytest.mark.parametrize("target", [25, 12, 7])
@pytest.mark.parametrize(
    "name", [name for name in cases_of("BitCast") if "uint" in name and "bool" not in name]
)
def test_onnx_cases(name: str, target: int) -> None:
    assert_case("BitCast", name, target)


def test_integers_are_counted_on_from_the_other_end() -> None:
    assert_step(
        26,
        "g (uint8[N] x) => (int8[N] y) { y = BitCast<to=3>(x) }",
        """g (uint8[N] x) => (int8[N] y) <int64 y_count = {256}, int64 y_lowest = {-128}> {
            y_Cast = Cast<to=7>(x)
            y_Sub = Sub(y_Cast, y_lowest)
            y_Mod = Mod(y_Sub, y_count)
            y_Add = Add(y_Mod, y_lowest)
            y = Cast<to=3>(y_Add)
        }""",
    )


@given(st.sampled_from(list(NUMBERS)), st.sampled_from(list(NUMBERS)), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_any_integers_of_one_width_have_the_same_bits(source: str, target: str, seed: int) -> None:
    kind, other = np.dtype(source), np.dtype(target)
    if kind.itemsize != other.itemsize:
        return
    limits = np.iinfo(kind)
    numbers = np.random.default_rng(seed).integers(limits.min, limits.max, 20, dtype=kind, endpoint=True)
    numbers[:2] = limits.min, limits.max
    model = parse(26, f"g ({source}[20] x) => ({target}[20] y) {{ y = BitCast<to={NUMBERS[target]}>(x) }}")
    [found] = run(step(model), {"x": numbers})
    np.testing.assert_array_equal(found, numbers.view(other))


def test_constants_are_read_anew() -> None:
    model = parse(
        26,
        """g (int32[2] x) => (int32[2] y) <float[2] c = {1.0, -2.5}> {
            b = BitCast<to=6>(c) y = Add(x, b) }""",
    )
    lowered = convert(model, 26, 12).model
    assert [node.op_type for node in lowered.graph.node] == ["Add"]
    [found] = run(lowered, {"x": np.zeros(2, dtype=np.int32)})
    np.testing.assert_array_equal(found, np.array([1.0, -2.5], dtype=np.float32).view(np.int32))


def test_one_type_is_handed_on() -> None:
    assert_step(
        26,
        "g (float[N] x) => (float[N] z) { y = BitCast<to=1>(x) z = Neg(y) }",
        "g (float[N] x) => (float[N] z) { z = Neg(x) }",
    )


@pytest.mark.parametrize(
    ("source", "result", "target"), [("float", "int32", 6), ("int64", "uint64", 13), ("bool", "uint8", 2)]
)
def test_bits_of_what_is_computed_are_refused(source: str, result: str, target: int) -> None:
    model = parse(
        26,
        f"g ({source}[N] x) => ({result}[N] y) {{ y = BitCast<to={target}>(x) }}",
    )
    with pytest.raises(RetargetError, match=r"BitCast .*26 to 25: it reads the bits of x, which is computed"):
        step(model)
