"""Equal: floats, narrow integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, run, step
from tests.opsets.shapes import Shape, shapes


def test_floats_are_equal_where_none_is_less_and_both_are_numbers() -> None:
    assert_step(
        11,
        "g (float[N,3] x, float[3] y) => (bool[N,3] z) { z = Equal(x, y) }",
        """g (float[N,3] x, float[3] y) => (bool[N,3] z)
        <float z_one = {1.0}, float z_zero = {0.0}> {
            z_Less = Less(x, y)
            z_Greater = Greater(x, y)
            z_Or = Or(z_Less, z_Greater)
            z_Not = Not(z_Or)
            z_Add = Add(x, y)
            z_Less_1 = Less(z_Add, z_one)
            z_Neg = Neg(z_Add)
            z_Less_2 = Less(z_Neg, z_zero)
            z_Or_1 = Or(z_Less_1, z_Less_2)
            z = And(z_Not, z_Or_1)
        }""",
        inputs={
            "x": np.arange(6, dtype=np.float32).reshape(2, 3),
            "y": np.array([0, 4, 9], dtype=np.float32),
        },
    )


def test_narrow_integers_are_widened() -> None:
    assert_step(
        11,
        "g (uint8[N,3] x, uint8[3] y) => (bool[N,3] z) { z = Equal(x, y) }",
        """g (uint8[N,3] x, uint8[3] y) => (bool[N,3] z) {
            z_Cast = Cast<to=6>(x)
            z_Cast_1 = Cast<to=6>(y)
            z = Equal(z_Cast, z_Cast_1)
        }""",
    )


NUMBERS = np.array([0, 1, -1.5, np.inf, -np.inf, np.nan, 1e-45, 3e38], dtype=np.float32)


def test_nothing_equals_nan_and_infinities_equal_themselves() -> None:
    model = parse(11, "g (float[64] x, float[64] y) => (bool[64] z) { z = Equal(x, y) }")
    assert_same_numbers(model, step(model), {"x": np.repeat(NUMBERS, 8), "y": np.tile(NUMBERS, 8)})


@pytest.mark.parametrize("kind", ["bool", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_any_type_gives_the_same(kind: str) -> None:
    model = parse(11, f"g ({kind}[3,3] x, {kind}[3] y) => (bool[3,3] z) {{ z = Equal(x, y) }}")
    lowered = step(model)
    found = np.array([[0, 1, 100], [1, 1, 1], [100, 100, 0]]).astype(kind)
    np.testing.assert_array_equal(run(lowered, {"x": found, "y": found[0]})[0], found == found[0])
    if kind in ("bool", "int32", "int64"):
        assert [node.op_type for node in lowered.graph.node] == ["Equal"]


@given(
    shapes(),
    st.sampled_from(["bool", "int8", "uint8", "uint16", "int32", "uint32", "int64", "uint64", "float32"]),
    st.data(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shapes_and_numbers_are_as_numpy_has_them(shape: Shape, kind: str, data: st.DataObject) -> None:
    """Infinities, NaN and zeros of both signs among the floats; the second operand has fewer axes."""
    fewer = shape.lengths[1:]
    second = f"{list(fewer)}" if fewer else ""
    name = kind.replace("float32", "float")
    model = parse(
        11, f"g ({name}{shape.text} x, {name}{second} y) => (bool{shape.text} z) {{ z = Equal(x, y) }}"
    )
    special = [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan]
    elements = st.sampled_from(
        special if kind == "float32" else [False, True] if kind == "bool" else [0, 1, 9]
    )
    x, y = (data.draw(arrays(kind, lengths, elements=elements)) for lengths in (shape.lengths, fewer))
    np.testing.assert_array_equal(run(step(model), {"x": x, "y": y})[0], x == y)
