"""Max and Min: integers, shapes."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, run_onnxruntime, step
from tests.opsets.shapes import Shape, shapes


def test_integers_are_compared_as_doubles() -> None:
    assert_step(
        12,
        "g (int32[N,3] x, int32[3] y) => (int32[N,3] z) { z = Max(x, y) }",
        """g (int32[N,3] x, int32[3] y) => (int32[N,3] z) {
            z_Cast = Cast<to=11>(x)
            z_Cast_1 = Cast<to=11>(y)
            z_Max = Max(z_Cast, z_Cast_1)
            z = Cast<to=6>(z_Max)
        }""",
    )


def test_a_constant_number_is_a_bound() -> None:
    assert_step(
        8,
        "g (float[N,3] x, float c = {0.5}) => (float[N,3] z) { z = Min(c, x) }",
        """g (float[N,3] x) => (float[N,3] z) {
            z = Clip<max=0.5, min=-inf>(x)
        }""",
    )


def test_a_smaller_operand_gets_zeros_of_the_larger() -> None:
    assert_step(
        8,
        "g (float[N,3] x, float[3] y) => (float[N,3] z) { z = Max(x, y) }",
        """g (float[N,3] x, float[3] y) => (float[N,3] z) {
            z_Clip = Clip<max=0.0, min=0.0>(x)
            z_Add = Add(y, z_Clip)
            z = Max(x, z_Add)
        }""",
    )


def test_both_operands_get_zeros_of_the_other() -> None:
    assert_step(
        8,
        "g (float[N,1] x, float[3] y) => (float[N,3] z) { z = Min(x, y) }",
        """g (float[N,1] x, float[3] y) => (float[N,3] z) {
            z_Clip = Clip<max=0.0, min=0.0>(y)
            z_Add = Add(x, z_Clip)
            z_Clip_1 = Clip<max=0.0, min=0.0>(x)
            z_Add_1 = Add(y, z_Clip_1)
            z = Min(z_Add, z_Add_1)
        }""",
    )


def test_more_operands_are_taken_two_at_a_time() -> None:
    assert_step(
        8,
        "g (float[N,3] x, float[N,3] y, float[3] u) => (float[N,3] z) { z = Max(x, y, u) }",
        """g (float[N,3] x, float[N,3] y, float[3] u) => (float[N,3] z) {
            z_Max = Max(x, y)
            z_Clip = Clip<max=0.0, min=0.0>(z_Max)
            z_Add = Add(u, z_Clip)
            z = Max(z_Max, z_Add)
        }""",
    )


def test_operands_of_one_shape_stay() -> None:
    text = "g (float[N,3] x, float[N,3] y, float[N,3] u) => (float[N,3] z) { z = Max(x, y, u) }"
    assert_step(8, text, text)


@pytest.mark.parametrize("operator", ["Max", "Min"])
def test_infinities_stay(operator: str) -> None:
    model = parse(8, f"g (float[5] x, float c = {{0.5}}) => (float[5] z) {{ z = {operator}(x, c) }}")
    numbers = np.array([np.inf, -np.inf, 0, 1, -1], dtype=np.float32)
    expected = getattr(np, f"{operator.lower()}imum")(numbers, np.float32(0.5))
    np.testing.assert_array_equal(run_onnxruntime(step(model), {"x": numbers})[0], expected)


@given(
    st.sampled_from(["Max", "Min"]),
    st.lists(st.lists(st.sampled_from([1, 2]), max_size=3), min_size=1, max_size=3),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shapes_give_the_same(operator: str, shapes: list[list[int]]) -> None:
    names = "xyu"[: len(shapes)]
    inputs = [
        f"float[{','.join(map(str, shape))}] {name}".replace("[]", "")
        for shape, name in zip(shapes, names, strict=True)
    ]
    whole = ",".join(map(str, np.broadcast_shapes(*map(tuple, shapes))))
    output = f"float[{whole}] z".replace("[]", "")
    model = parse(8, f"g ({', '.join(inputs)}) => ({output}) {{ z = {operator}({', '.join(names)}) }}")
    numbers = {
        name: np.asarray(noise(tuple(shape), np.float32, seed))
        for seed, (shape, name) in enumerate(zip(shapes, names, strict=True))
    }
    assert_same_numbers(model, step(model), numbers)


@given(
    st.sampled_from(["Max", "Min"]),
    shapes(),
    st.sampled_from(["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64", "float32", "float64"]),
    st.integers(1, 3),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_type_and_number_of_operands_below_12(operator: str, shape: Shape, kind: str, count: int) -> None:
    """One operand of all axes, the others of fewer; numpy's numbers."""
    name = {"float32": "float", "float64": "double"}.get(kind, kind)
    own = [shape.lengths[index:] for index in range(count)]
    texts = [shape.text, *(f"{list(lengths)}" if lengths else "" for lengths in own[1:])]
    operands = ", ".join(f"{name}{text} x{index}" for index, text in enumerate(texts))
    names = ", ".join(f"x{index}" for index in range(count))
    model = parse(12, f"g ({operands}) => ({name}{shape.text} z) {{ z = {operator}({names}) }}")
    numbers = {f"x{index}": noise(lengths, kind, index) for index, lengths in enumerate(own)}
    (found,) = run(step(model), numbers)
    expected = reduce(np.maximum if operator == "Max" else np.minimum, numbers.values())
    assert (found.dtype, found.shape) == (np.dtype(kind), shape.lengths)
    np.testing.assert_array_equal(found, expected)
