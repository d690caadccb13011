"""Clip: integers, bounds as inputs, bounds as attributes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step
from tests.opsets.shapes import Shape, in_brackets, shapes


def test_integers_are_clipped_as_doubles() -> None:
    assert_step(
        12,
        "g (int32[N,3] x) => (int32[N,3] z) <int32 a = {2}, int32 b = {3}> { z = Clip(x, a, b) }",
        """g (int32[N,3] x) => (int32[N,3] z)
        <int32 a = {2}, int32 b = {3}> {
            z_Cast = Cast<to=11>(x)
            z_Cast_1 = Cast<to=11>(a)
            z_Cast_2 = Cast<to=11>(b)
            z_Max = Max(z_Cast, z_Cast_1)
            z_Min = Min(z_Max, z_Cast_2)
            z = Cast<to=6>(z_Min)
        }""",
    )


def test_constant_bounds_become_attributes() -> None:
    assert_step(
        11,
        "g (float[N,3] x) => (float[N,3] z) <float a = {-0.5}, float b = {0.5}> { z = Clip(x, a, b) }",
        """g (float[N,3] x) => (float[N,3] z) {
            z = Clip<max=0.5, min=-0.5>(x)
        }""",
    )


def test_a_missing_bound_stays_away() -> None:
    assert_step(
        11,
        "g (float[N,3] x) => (float[N,3] z) <float b = {0.5}> { z = Clip(x, , b) }",
        """g (float[N,3] x) => (float[N,3] z) {
            z = Clip<max=0.5>(x)
        }""",
    )


def test_computed_bounds_are_operands() -> None:
    assert_step(
        11,
        "g (float[N,3] x, float[1] a, float[1] b) => (float[N,3] z) { z = Clip(x, a, b) }",
        """g (float[N,3] x, float[1] a, float[1] b) => (float[N,3] z) {
            z_Max = Max(x, a)
            z = Min(z_Max, b)
        }""",
    )


def test_bounds_in_the_wrong_order_give_the_upper_one() -> None:
    assert_step(
        11,
        "g (float[N,3] x) => (float[N,3] z) <float a = {0.5}, float b = {-0.5}> { z = Clip(x, a, b) }",
        """g (float[N,3] x) => (float[N,3] z)
        <float a = {0.5}, float b = {-0.5}> {
            z_Max = Max(x, a)
            z = Min(z_Max, b)
        }""",
    )


def test_missing_bounds_are_written_out_below_6() -> None:
    assert_step(
        6,
        "g (float[2,3] x) => (float[2,3] z) { z = Clip<min=-0.5>(x) }",
        """g (float[2,3] x) => (float[2,3] z) {
            z = Clip<max=3.4028235e+38, min=-0.5>(x)
        }""",
    )


def test_without_bounds_nothing_changes() -> None:
    text = "g (float[N,3] x) => (float[N,3] z) { z = Clip(x) }"
    assert_step(11, text, text)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "int64", "double"])
def test_other_types_keep_their_numbers(kind: str) -> None:
    model = parse(12, f"g ({kind}[4] x) => ({kind}[4] z) <{kind} a = {{2}}> {{ z = Clip(x, a) }}")
    assert_same_numbers(
        model, step(model), {"x": np.array([1, 2, 3, 100], dtype=kind.replace("double", "f8"))}
    )


@given(
    st.none() | st.floats(-2, 2, width=32),
    st.none() | st.floats(-2, 2, width=32),
    st.lists(st.sampled_from([1, 2, 3]), max_size=3),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_bounds_give_the_same(
    low: float | None, high: float | None, shape: list[int], fixed: bool
) -> None:
    given_bounds = [(name, bound) for name, bound in (("a", low), ("b", high)) if bound is not None]
    constants = ", ".join(f"float {name} = {{{bound!r}}}" for name, bound in given_bounds)
    inputs = "" if fixed else "".join(f", float {name}" for name, _ in given_bounds)
    kind = f"float[{','.join(map(str, shape))}]".replace("[]", "")
    names = f"x, {'a' if low is not None else ''}, {'b' if high is not None else ''}".rstrip(", ")
    text = f"g ({kind} x{inputs}) => ({kind} z) {f'<{constants}>' if fixed and constants else ''}"
    model = parse(11, f"{text} {{ z = Clip({names}) }}")
    numbers = {"x": np.asarray(noise(tuple(shape)))}
    if not fixed:
        numbers |= {name: np.asarray(bound, dtype=np.float32) for name, bound in given_bounds}
    assert_same_numbers(model, step(model), numbers, zeros=True)


@given(
    shapes(),
    st.sampled_from(["int8", "uint8", "int32", "uint32", "int64", "uint64"]),
    st.none() | st.integers(0, 100),
    st.none() | st.integers(0, 100),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_bounds_of_integers_give_the_same(
    shape: Shape, kind: str, low: int | None, high: int | None, fixed: bool
) -> None:
    bounds = {name: bound for name, bound in (("a", low), ("b", high)) if bound is not None}
    constants = [f"{kind} {name} = {{{bound}}}" for name, bound in bounds.items()]
    inputs = "" if fixed else "".join(f", {kind} {name}" for name in bounds)
    names = f"x, {'a' if low is not None else ''}, {'b' if high is not None else ''}".rstrip(", ")
    model = parse(
        12,
        f"""g ({kind}{shape.text} x{inputs}) => ({kind}{shape.text} z)
        {in_brackets(constants if fixed else [])} {{ z = Clip({names}) }}""",
    )
    numbers = {"x": np.asarray(np.random.default_rng(2).integers(0, 127, shape.lengths, kind))}
    if not fixed:
        numbers |= {name: np.asarray(bound, kind) for name, bound in bounds.items()}
    assert_same_numbers(model, step(model), numbers)


@given(shapes(least=1), st.none() | st.floats(-2, 0, width=32), st.none() | st.floats(0, 2, width=32))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_attributes_give_the_same_below_6(shape: Shape, low: float | None, high: float | None) -> None:
    given_ = [f"{name}={bound!r}" for name, bound in (("min", low), ("max", high)) if bound is not None]
    model = parse(
        6,
        f"""g (float{shape.text} x) => (float{shape.text} z)
        {{ z = Clip{in_brackets(given_)}(x) }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise(shape.lengths)})
