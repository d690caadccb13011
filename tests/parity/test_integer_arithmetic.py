"""Operators of integers against sums that Python makes one product after the other."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.integer_arithmetic import (
    Array,
    conv_integer,
    mat_mul_integer,
    q_linear_conv,
    q_linear_mat_mul,
)

KINDS = [("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8"), ("int8", "uint8")]


def numbers(kind: str, shape: tuple[int, ...], seed: int) -> Array:
    """Integers of which half are the largest of ``kind``, so that any 16 bits overflow."""
    generator, bounds = np.random.default_rng(seed), np.iinfo(kind)
    free = generator.integers(bounds.min, bounds.max, shape, endpoint=True)
    return np.where(generator.random(shape) < 0.5, bounds.max, free).astype(kind)


def sums_one_by_one(
    x: Array, w: Array, x_zero: int, w_zero: list[int], pads: list[int], step: list[int], apart: list[int]
) -> list[int]:
    """The convolution of (N, C, H, W) with (M, C / group, kernel), in the order of its result."""
    group = x.shape[1] // w.shape[1]
    spans = [(length - 1) * gap + 1 for length, gap in zip(w.shape[2:], apart, strict=True)]
    places = [
        range(0, length + pads[axis] + pads[axis + 2] - spans[axis] + 1, step[axis])
        for axis, length in enumerate(x.shape[2:])
    ]
    result = []
    for n, m, top, left in product(range(x.shape[0]), range(w.shape[0]), *places):
        first = m // (w.shape[0] // group) * w.shape[1]
        total = 0
        for c, i, j in product(*map(range, w.shape[1:])):
            row, column = top + i * apart[0] - pads[0], left + j * apart[1] - pads[1]
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                total += (int(x[n, first + c, row, column]) - x_zero) * (int(w[m, c, i, j]) - w_zero[m])
        result.append(total)
    return result


CONV = {
    "kinds": st.sampled_from(KINDS),
    "group": st.sampled_from([1, 2]),
    "pads": st.lists(st.integers(0, 2), min_size=4, max_size=4),
    "strides": st.lists(st.integers(1, 2), min_size=2, max_size=2),
    "dilations": st.lists(st.integers(1, 2), min_size=2, max_size=2),
    "per_channel": st.booleans(),
}


@given(**CONV)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_convolution_adds_every_product(
    kinds: tuple[str, str], group: int, per_channel: bool, **attributes: Any
) -> None:
    x, w = numbers(kinds[0], (2, 4, 6, 5), 1), numbers(kinds[1], (4, 4 // group, 2, 3), 2)
    zeros = [1, 3, 5, 7] if per_channel else [3] * 4
    w_zero = np.array(zeros if per_channel else 3, kinds[1])
    expected = sums_one_by_one(
        x, w, 5, zeros, attributes["pads"], attributes["strides"], attributes["dilations"]
    )
    found = conv_integer([x, w, np.array(5, kinds[0]), w_zero], {"group": group, **attributes})
    assert found.dtype == np.int32
    assert found.ravel().tolist() == expected


def test_of_no_samples_there_are_no_sums() -> None:
    x, w = numbers("uint8", (0, 4, 6, 5), 1), numbers("int8", (6, 2, 2, 3), 2)
    found = conv_integer([x, w], {"group": 2, "strides": [2, 1]})
    assert found.shape == (0, 6, 3, 3)
    assert found.dtype == np.int32
    assert mat_mul_integer([x[:, 0, 0], w[:5, 0, 0]], {}).shape == (0, 3)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kinds", KINDS)
def test_a_convolution_is_scaled_rounded_and_saturated(kinds: tuple[str, str], per_channel: bool) -> None:
    """Against fractions: all scales are powers of 2, which float32 multiplies exactly."""
    x, w = numbers(kinds[0], (1, 2, 5, 5), 3), numbers(kinds[1], (4, 2, 3, 3), 4)
    bias = np.array([9, -4000, 70000, 0], np.int32)
    w_scale = np.array([0.5, 0.25, 0.125, 2] if per_channel else 0.5, np.float32)
    w_zero = np.zeros([4] * per_channel, kinds[1])
    y_scale, y_zero = 512.0, 10
    zeros = np.array(2, kinds[0]), np.array(y_zero, kinds[0])
    quarter = np.array(0.25, np.float32)
    found = q_linear_conv(
        [x, quarter, zeros[0], w, w_scale, w_zero, np.array(y_scale, np.float32), zeros[1], bias], {}
    )
    sums = sums_one_by_one(x, w, 2, [0] * 4, [0] * 4, [1, 1], [1, 1])
    bounds = np.iinfo(kinds[0])
    for place, total in enumerate(sums):
        channel = place // 9
        factor = Fraction(float(w_scale.reshape(-1)[channel if per_channel else 0])) / 4 / int(y_scale)
        exact = round((total + int(bias[channel])) * factor)  # Python rounds halves to even
        assert found.ravel()[place] == min(max(exact + y_zero, bounds.min), bounds.max)
    assert len(set(found.ravel().tolist())) > 5


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_a_product_of_matrices_adds_every_product(kinds: tuple[str, str], shape: tuple[int, ...]) -> None:
    a, b = numbers(kinds[0], shape, 5), numbers(kinds[1], (4, 5), 6)
    rows = np.arange(3, dtype=kinds[0]) if len(shape) > 1 else np.array(2, kinds[0])
    columns = np.arange(5, dtype=kinds[1])
    left = a.astype(object) - (rows.astype(object)[:, None] if rows.ndim else int(rows))
    expected = np.tensordot(left, b.astype(object) - columns.astype(object), 1)
    np.testing.assert_array_equal(mat_mul_integer([a, b, rows, columns], {}), expected.astype(np.int32))
    half = np.array(0.5, np.float32)
    scales = np.full(5, 0.5, np.float32), np.array([512], np.float32)
    inputs: list[Array | None] = [a, half, rows, b, scales[0], columns, scales[1], np.array([3], kinds[0])]
    bounds = np.iinfo(kinds[0])
    rounded = [round(Fraction(int(one), 2048)) + 3 for one in expected.ravel()]
    found = q_linear_mat_mul(inputs, {})
    assert found.shape == expected.shape
    assert found.ravel().tolist() == np.clip(rounded, bounds.min, bounds.max).tolist()


def test_pairs_beyond_16_bits_are_added_up() -> None:
    """255 * 127 twice is 64770, of which 16 bits keep 32767."""
    a, b = np.full((1, 64), 255, np.uint8), np.full((64, 1), 127, np.int8)
    assert mat_mul_integer([a, b], {}).tolist() == [[64 * 255 * 127]]
    x, w = a.reshape(1, 64, 1, 1), b.reshape(1, 64, 1, 1)
    assert conv_integer([x, w], {}).ravel().tolist() == [64 * 255 * 127]
    one, none = np.array(1, np.float32), np.array(0, np.uint8)
    inputs: list[Array | None] = [
        a,
        one,
        none,
        b,
        one,
        np.array(0, np.int8),
        np.array(16384, np.float32),
        none,
    ]
    assert q_linear_mat_mul(inputs, {}).tolist() == [[127]]  # 126.5 and a little; saturated, it is 64


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(b"SAME_UPPER", [3, 12, 16]), (b"SAME_LOWER", [1, 6, 24]), (b"VALID", [3, 12])],
)
def test_padding_is_found_by_the_rule(mode: bytes, expected: list[int]) -> None:
    x, w = np.array([[[1, 2, 4, 8, 16]]], np.uint8), np.array([[[1, 1]]], np.uint8)
    found = conv_integer([x, w], {"auto_pad": mode, "strides": [2]})
    assert found.ravel().tolist() == expected
