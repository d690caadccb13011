"""Concat: axes from the back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from parity.raising import raise_to_9
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_a_negative_axis_counts_from_the_front() -> None:
    assert_step(
        11,
        "g (float[N,2] x, float[N,3] y) => (float[N,5] z) { z = Concat<axis=-1>(x, y) }",
        "g (float[N,2] x, float[N,3] y) => (float[N,5] z) { z = Concat<axis=1>(x, y) }",
    )


def test_an_axis_from_the_front_stays() -> None:
    text = "g (float[N,2] x, float[N,3] y) => (float[N,5] z) { z = Concat<axis=1>(x, y) }"
    assert_step(11, text, text)


@given(st.integers(1, 4), st.integers(-4, 3), st.integers(1, 3), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_axis_gives_the_same(rank: int, axis: int, count: int, data: st.DataObject) -> None:
    axis = axis % (2 * rank) - rank
    shapes = []
    for _ in range(count):
        shape = [2] * rank
        shape[axis] = data.draw(st.integers(1, 3))
        shapes.append(tuple(shape))
    names = [f"x{index}" for index in range(count)]
    sized = dict(zip(names, shapes, strict=True))
    inputs = ", ".join(f"float[{','.join(map(str, shape))}] {name}" for name, shape in sized.items())
    result = [2] * rank
    result[axis] = sum(shape[axis] for shape in shapes)
    model = parse(
        11,
        f"""g ({inputs}) => (float[{",".join(map(str, result))}] z) {{
            z = Concat<axis={axis}>({", ".join(names)})
        }}""",
    )
    values = {name: noise(shape, np.float32, len(name)) for name, shape in sized.items()}
    assert_same_numbers(model, step(model), values)


@pytest.mark.parametrize("kind", ["int32", "int64", "bool", "uint8"])
def test_what_is_no_float_goes_through_double_below_4(kind: str) -> None:
    model = parse(4, f"g ({kind}[N,2] x, {kind}[N,3] y) => ({kind}[N,5] z) {{ z = Concat<axis=1>(x, y) }}")
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["Cast", "Cast", "Concat", "Cast"]
    values = {"x": np.array([[0, 1]], dtype=kind), "y": np.array([[1, 0, 1]], dtype=kind)}
    if kind == "int32":
        values["x"] = np.array([[-(2**31), 2**31 - 1]], dtype=kind)
    for some in (model, lowered):
        raise_to_9(some)  # OpenVINO reads no Cast below 6
    assert_same_numbers(model, lowered, values)
    wide = ["Concat of integers below 4: exact while every element stays below 2**53"]
    assert list(convert(model, 4, 3).bounds) == (wide if kind == "int64" else [])
