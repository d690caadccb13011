"""Sum and Mean: shapes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_operands_are_added_one_after_the_other() -> None:
    assert_step(
        8,
        "g (float[N,3] x, float[3] y, float[1] u) => (float[N,3] z) { z = Sum(x, y, u) }",
        """g (float[N,3] x, float[3] y, float[1] u) => (float[N,3] z) {
            z_Add = Add(x, y)
            z = Add(z_Add, u)
        }""",
    )


def test_a_mean_is_divided_by_their_number() -> None:
    assert_step(
        8,
        "g (float[N,1] x, float[3] y) => (float[N,3] z) { z = Mean(x, y) }",
        """g (float[N,1] x, float[3] y, float z_count = {2.0}) => (float[N,3] z) {
            z_Add = Add(x, y)
            z = Div(z_Add, z_count)
        }""",
    )


def test_operands_of_one_shape_stay() -> None:
    text = "g (float[N,3] x, float[N,3] y) => (float[N,3] z) { z = Mean(x, y) }"
    assert_step(8, text, text)


@given(
    st.sampled_from(["Sum", "Mean"]),
    st.lists(st.lists(st.sampled_from([1, 2]), min_size=1, max_size=3), min_size=1, max_size=3),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shapes_give_the_same(operator: str, shapes: list[list[int]]) -> None:
    names = "xyu"[: len(shapes)]
    inputs = [f"float[{','.join(map(str, own))}] {name}" for own, name in zip(shapes, names, strict=True)]
    whole = ",".join(map(str, np.broadcast_shapes(*map(tuple, shapes))))
    model = parse(
        8, f"g ({', '.join(inputs)}) => (float[{whole}] z) {{ z = {operator}({', '.join(names)}) }}"
    )
    numbers = [noise(tuple(shape), np.float32, seed) for seed, shape in enumerate(shapes)]
    assert_same_numbers(model, step(model), dict(zip(names, numbers, strict=True)))
