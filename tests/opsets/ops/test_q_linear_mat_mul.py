"""QLinearMatMul and MatMulInteger as a MatMul of floats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import Array, assert_same_numbers, parse, run, step


def numbers(kind: str, shape: tuple[int, ...], seed: int) -> Array:
    low, high = (-128, 128) if kind == "int8" else (0, 256)
    return np.random.default_rng(seed).integers(low, high, shape).astype(kind)


@given(
    kinds=st.sampled_from([("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8")]),
    per_column=st.booleans(),
    batched=st.booleans(),
    seed=st.integers(0, 9),
)
@settings(max_examples=16, deadline=None, derandomize=True)
def test_any_q_linear_mat_mul(kinds: tuple[str, str], per_column: bool, batched: bool, seed: int) -> None:
    left, right = kinds
    count, length = (5, "[5]") if per_column else (1, "")
    scales, zeros = ",".join(["0.02"] * count), ",".join(["3"] * count)
    rows = "N,3,4" if batched else "N,4"
    model = parse(
        10,
        f"""g ({left}[{rows}] a, {right}[4,5] b) => ({left}[{rows[:-1]}5] y)
        <float p = {{0.05}}, {left} q = {{7}},
         float{length} s = {{{scales}}}, {right}{length} t = {{{zeros}}},
         float u = {{0.4}}, {left} v = {{11}}> {{ y = QLinearMatMul(a, p, q, b, s, t, u, v) }}""",
    )
    shape = (2, 3, 4) if batched else (2, 4)
    inputs = {"a": numbers(left, shape, seed), "b": numbers(right, (4, 5), seed + 10)}
    assert_same_numbers(model, step(model), inputs)


@pytest.mark.parametrize(
    ("zeros", "declared"),
    [
        ("", ""),
        (", p", "<uint8 p = {3}>"),
        (", p, q", "<uint8 p = {3}, int8 q = {-2}>"),
        (", , q", "<int8[5] q = {1,2,3,4,5}>"),
        (", p, q", "<uint8 p = {3}, int8[5] q = {1,2,3,4,5}>"),
    ],
)
@pytest.mark.parametrize("shape", [(2, 4), (2, 3, 4)])
def test_mat_mul_integer(zeros: str, declared: str, shape: tuple[int, ...]) -> None:
    rows = ",".join(map(str, shape))
    model = parse(
        10,
        f"""g (uint8[{rows}] a, int8[4,5] b) => (int32[{rows[:-1]}5] y) {declared} {{
            y = MatMulInteger(a, b{zeros})
        }}""",
    )
    inputs = {"a": numbers("uint8", shape, 1), "b": numbers("int8", (4, 5), 2)}
    assert_same_numbers(model, step(model), inputs)


@given(
    kinds=st.sampled_from([("uint8", "uint8"), ("uint8", "int8")]),
    shape=st.sampled_from([(4,), (1, 4), (2, 4), (2, 3, 4)]),
    vector=st.booleans(),
    zeros=st.sampled_from(["", ", p", ", p, q", ", , q"]),
    per_column=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_mat_mul_integer(
    kinds: tuple[str, str], shape: tuple[int, ...], vector: bool, zeros: str, per_column: bool
) -> None:
    """Vectors and stacks of matrices; no zero points, one of them, one for each column."""
    left, right = kinds
    columns = () if vector else (5,)
    place = f"{right}[5] q = {{1,2,3,4,5}}" if per_column and columns else f"{right} q = {{2}}"
    result = [*shape[:-1], *columns]
    model = parse(
        10,
        f"""g ({left}{list(shape)} a, {right}{[4, *columns]} b) => (int32{result or ""} y)
        <{left} p = {{3}}, {place}> {{ y = MatMulInteger(a, b{zeros}) }}""",
    )
    inputs = {"a": numbers(left, shape, 1), "b": numbers(right, (4, *columns), 2)}
    assert_same_numbers(model, step(model), inputs)


def test_no_sum_saturates_before_the_result_does() -> None:
    """Two products of 255 and 127 are beyond 16 bits, in which some processors add them up."""
    model = parse(10, "g (uint8[1,64] a, int8[64,2] b) => (int32[1,2] y) { y = MatMulInteger(a, b) }")
    inputs = {"a": np.full((1, 64), 255, np.uint8), "b": np.tile(np.array([127, -127], np.int8), (64, 1))}
    for each in (model, step(model)):
        assert run(each, inputs)[0].tolist() == [[64 * 255 * 127, -64 * 255 * 127]]
