"""Pow: integers and an exponent of another type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step
from tests.opsets.shapes import Shape, shapes

TYPES = {"float": "float32", "double": "float64", "int32": "int32", "int64": "int64"}


def test_a_constant_exponent_takes_the_type_of_the_base() -> None:
    assert_step(
        12,
        "g (float[N,3] x) => (float[N,3] z) <int64 e = {2}> { z = Pow(x, e) }",
        """g (float[N,3] x) => (float[N,3] z)
        <float z_exponent = {2.0}> {
            z = Pow(x, z_exponent)
        }""",
    )


def test_a_computed_exponent_is_cast() -> None:
    assert_step(
        12,
        "g (float[N,3] x, int64[3] e) => (float[N,3] z) { z = Pow(x, e) }",
        """g (float[N,3] x, int64[3] e) => (float[N,3] z) {
            z_Cast = Cast<to=1>(e)
            z = Pow(x, z_Cast)
        }""",
    )


def test_integers_are_raised_as_doubles() -> None:
    assert_step(
        12,
        "g (int32[N,3] x) => (int32[N,3] z) <float[3] e = {1, 2, 3}> { z = Pow(x, e) }",
        """g (int32[N,3] x) => (int32[N,3] z)
        <float[3] e = {1.0, 2.0, 3.0}> {
            z_Cast = Cast<to=11>(x)
            z_Cast_1 = Cast<to=11>(e)
            z_Pow = Pow(z_Cast, z_Cast_1)
            z = Cast<to=6>(z_Pow)
        }""",
    )


@pytest.mark.parametrize("base", ["int32", "int64", "float", "double"])
@pytest.mark.parametrize("exponent", ["int32", "int64", "float"])
def test_any_types_give_the_same(base: str, exponent: str) -> None:
    model = parse(12, f"g ({base}[2,3] x, {exponent}[3] e) => ({base}[2,3] z) {{ a = Abs(x) z = Pow(a, e) }}")
    below = parse(12, f"g ({base}[2,3] x) => ({base}[2,3] z) <{exponent} e = {{2}}> {{ z = Pow(x, e) }}")
    for whole in (below,) if exponent == "float" else (model, below):
        assert_same_numbers(whole, step(whole))


@pytest.mark.parametrize(
    "exponent", ["float", "float[1]", "float[3]", "float[N,1]", "float[N,3]", "float[2,N,3]"]
)
@pytest.mark.parametrize("swapped", [False, True])
def test_below_7_any_two_shapes_give_the_same(exponent: str, swapped: bool) -> None:
    shape = "2,N,3" if exponent.count(",") == 2 else "N,3"
    operands = "e, a" if swapped else "a, e"
    model = parse(
        7,
        f"""g (float[N,3] x, {exponent} f) => (float[{shape}] z)
        {{ a = Abs(x) e = Abs(f) z = Pow({operands}) }}""",
    )
    lowered = step(model)
    assert "axis" not in {
        attribute.name
        for node in lowered.graph.node
        for attribute in node.attribute
        if node.op_type == "Pow"  # the attribute that OpenVINO does not see there
    }
    assert_same_numbers(model, lowered, tolerance=2e-5)


@given(
    shapes(),
    st.sampled_from(["int32", "int64", "float", "double"]),
    st.sampled_from(["int32", "int64", "float", "double"]),
    st.booleans(),
    st.integers(0, 3),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shapes_and_types_give_the_same(
    shape: Shape, base: str, power: str, fixed: bool, number: int
) -> None:
    """The exponent, of fewer axes, computed; or one constant number."""
    fewer = shape.lengths[1:]
    second = f"{list(fewer)}" if fewer else ""
    graph = f"({base}{shape.text} x) => ({base}{shape.text} z) <{power} e = {{{number}}}>"
    if not fixed:
        graph = f"({base}{shape.text} x, {power}{second} e) => ({base}{shape.text} z)"
    model = parse(12, f"g {graph} {{ z = Pow(x, e) }}")
    x, e = (
        np.abs(noise(own, "float32")).astype(TYPES[kind])
        for own, kind in ((shape.lengths, base), (fewer, power))
    )
    numbers = {"x": np.asarray(x), "e": np.asarray(e)}
    if fixed:
        del numbers["e"]
    assert_same_numbers(model, step(model), numbers, tolerance=2e-6, zeros=True)
