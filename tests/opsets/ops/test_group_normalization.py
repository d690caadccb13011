"""GroupNormalization as InstanceNormalization of the groups."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import parser

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, noise, parse, run, step


def test_channels_have_scales_since_21() -> None:
    assert_step(
        21,
        """g (float[N,4,6] x, float[4] s, float[4] b) => (float[N,4,6] y)
        { y = GroupNormalization<num_groups=2>(x, s, b) }""",
        """g (float[N,4,6] x, float[4] s, float[4] b) => (float[N,4,6] y)
        <int64[3] y_grouped = {0,2,-1}, float[2] y_ones = {1,1}, float[2] y_zeros = {0,0},
         int64[3] y_shape = {0,4,6}, int64[2] y_per_channel = {-1,1}, int64[2] y_per_channel_1 = {-1,1}> {
            y_Reshape = Reshape(x, y_grouped)
            y_InstanceNormalization = InstanceNormalization<epsilon=1e-05>(y_Reshape, y_ones, y_zeros)
            y_Reshape_1 = Reshape(y_InstanceNormalization, y_shape)
            y_Reshape_2 = Reshape(s, y_per_channel)
            y_Reshape_3 = Reshape(b, y_per_channel_1)
            y_Mul = Mul(y_Reshape_1, y_Reshape_2)
            y = Add(y_Mul, y_Reshape_3)
        }""",
        tolerance=1e-5,
    )


def by_definition(x: Array, scale: Array, bias: Array, groups: int, epsilon: float) -> Array:
    """In float64; (N, C, ...) with a scale and a bias for each channel or for each group."""
    grouped = x.astype(np.float64).reshape(x.shape[0], groups, -1)
    mean, variance = grouped.mean(axis=2, keepdims=True), grouped.var(axis=2, keepdims=True)
    result = ((grouped - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)
    scale, bias = (np.repeat(part, x.shape[1] // len(part)) for part in (scale, bias))
    across = (1, -1, *[1] * (x.ndim - 2))
    return np.asarray(result * scale.reshape(across) + bias.reshape(across))


SHAPES = st.lists(st.integers(1, 4), min_size=0, max_size=3)


@given(
    SHAPES, st.integers(1, 3), st.integers(1, 3), st.sampled_from([None, 0.125]), st.sampled_from([20, 17, 7])
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_groups_of_channels_give_the_same(
    rest: list[int], groups: int, each: int, epsilon: float | None, target: int
) -> None:
    rest = [*rest, 5]  # of one number alone nothing is left but rounding
    channels = groups * each
    form = f"num_groups={groups}" + ("" if epsilon is None else f", epsilon={epsilon}")
    model = parse(
        21,
        f"""g (float{[2, channels, *rest]} x, float[{channels}] s, float[{channels}] b)
        => (float{[2, channels, *rest]} y) {{ y = GroupNormalization<{form}>(x, s, b) }}""",
    )
    x, s, b = noise((2, channels, *rest)), noise((channels,), seed=1), noise((channels,), seed=2)
    expected = by_definition(x, s, b, groups, 1e-5 if epsilon is None else epsilon)
    found = run(convert(model, 21, target).model, {"x": x, "s": s, "b": b})[0]
    np.testing.assert_allclose(found, expected, atol=2e-5)


def at_18(text: str) -> onnx.ModelProto:
    """The form of 18, which onnx has taken back: its checker refuses it, and no runtime computes it."""
    return parser.parse_model(f'<ir_version: 8, opset_import: ["": 18]> {text}')


@given(SHAPES, st.integers(1, 3), st.integers(1, 3), st.sampled_from([17, 7]))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_scales_of_groups_give_the_same(rest: list[int], groups: int, each: int, target: int) -> None:
    shape = (2, groups * each, *rest, 5)
    text = f"""g (float{list(shape)} x, float[{groups}] s, float[{groups}] b) => (float{list(shape)} y)
        {{ y = GroupNormalization<num_groups={groups}, epsilon=0.125>(x, s, b) }}"""
    x, s, b = noise(shape), noise((groups,), seed=1), noise((groups,), seed=2)
    lowered = convert(at_18(text), 18, target).model
    found = run(lowered, {"x": x, "s": s, "b": b})[0]
    np.testing.assert_allclose(found, by_definition(x, s, b, groups, 0.125), atol=2e-5)


def test_scales_of_groups_are_applied_to_the_groups() -> None:
    text = """g (float[N,4,6] x, float[2] s, float[2] b) => (float[N,4,6] y)
        { y = GroupNormalization<num_groups=2>(x, s, b) }"""
    operators = [node.op_type for node in step(at_18(text)).graph.node]
    assert operators == ["Reshape", "InstanceNormalization", "Reshape", "Reshape", "Mul", "Add", "Reshape"]


@pytest.mark.parametrize(("lengths", "shaped"), [("N,4,H,6", False), ("N,4,H,W", True)])
def test_pictures_of_any_size_are_put_together_again(lengths: str, shaped: bool) -> None:
    model = parse(
        21,
        f"""g (float[{lengths}] x, float[4] s, float[4] b) => (float[{lengths}] y)
        {{ y = GroupNormalization<num_groups=2>(x, s, b) }}""",
    )
    lowered = step(model)
    assert ("Shape" in {node.op_type for node in lowered.graph.node}) is shaped
    numbers = {"x": noise((2, 4, 3, 6)), "s": noise((4,)), "b": noise((4,), seed=1)}
    assert_same_numbers(model, lowered, numbers, tolerance=1e-5)


def test_at_3_it_is_the_same() -> None:
    model = parse(
        21,
        """g (float[N,4,3,5] x) => (float[N,4,3,5] y) <float[4] s = {1,2,3,4}, float[4] b = {4,3,2,1}>
        { y = GroupNormalization<num_groups=2>(x, s, b) }""",
    )
    assert_same_numbers(model, convert(model, 21, 3).model, tolerance=1e-5)


@pytest.mark.parametrize("opset", [21, 18])
def test_other_types_are_refused(opset: int) -> None:
    text = """g (double[N,2,6] x, double[2] s, double[2] b) => (double[N,2,6] y)
        { y = GroupNormalization<num_groups=2>(x, s, b) }"""
    model = at_18(text) if opset == 18 else parse(opset, text)
    with pytest.raises(
        RetargetError, match=rf"GroupNormalization .*{opset} to {opset - 1}: its input is .*float32"
    ):
        step(model)
