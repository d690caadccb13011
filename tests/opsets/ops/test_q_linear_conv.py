"""QLinearConv and ConvInteger as a Conv of floats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, parse, run, step
from tests.opsets.shapes import in_brackets

BOUND = "in floats: exact while every sum stays below 2**24"


@given(
    kinds=st.sampled_from([("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8")]),
    per_channel=st.booleans(),
    bias=st.booleans(),
    group=st.sampled_from([1, 2]),
    constant=st.booleans(),
    seed=st.integers(0, 9),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_q_linear_conv(
    kinds: tuple[str, str], per_channel: bool, bias: bool, group: int, constant: bool, seed: int
) -> None:
    data, weight = kinds
    count = 4 if per_channel else 1
    scales = ",".join(["0.02", "0.03", "0.01", "0.04"][:count])
    zeros = ",".join(["3"] * count)
    length = "[4]" if per_channel else ""
    parameters = {
        "xs": ("float", "", "0.05"),
        "xz": (data, "", "7"),
        "ws": ("float", length, scales),
        "wz": (weight, length, zeros),
        "ys": ("float", "", "0.3"),
        "yz": (data, "", "11"),
        "b": ("int32", "[4]", "5,-90,300,1"),
    }
    constants = ", ".join(f"{kind}{shape} {name} = {{{v}}}" for name, (kind, shape, v) in parameters.items())
    declared = "".join(f", {kind}{shape} {name}" for name, (kind, shape, _) in parameters.items())
    text = f"""g ({data}[N,4,5,6] x, {weight}[4,{4 // group},3,3] w{"" if constant else declared})
    => ({data}[N,4,R,S] y) {f"<{constants}>" if constant else ""} {{
        y = QLinearConv<group={group}, pads=[1,0,1,2], strides=[2,1]>
            (x, xs, xz, w, ws, wz, ys, yz{", b" if bias else ""})
    }}"""
    model = parse(10, text)
    generator = np.random.default_rng(seed)
    inputs = {
        name: generator.integers(*((-128, 128) if kind == "int8" else (0, 256)), shape).astype(kind)
        for name, kind, shape in (("x", data, (2, 4, 5, 6)), ("w", weight, (4, 4 // group, 3, 3)))
    }
    if not constant:
        inputs |= {
            name: np.array(v.split(",") if shape else v, dtype="float32" if kind == "float" else kind)
            for name, (kind, shape, v) in parameters.items()
        }
    assert_same_numbers(model, step(model), inputs)


@pytest.mark.parametrize("zeros", ["", ", a", ", a, b", ", , b"])
def test_conv_integer(zeros: str) -> None:
    model = parse(
        10,
        f"""g (uint8[N,2,5,6] x, uint8[3,2,2,3] w) => (int32[N,3,R,S] y)
        <uint8 a = {{3}}, uint8 b = {{2}}> {{ y = ConvInteger<pads=[1,0,0,1]>(x, w{zeros}) }}""",
    )
    result = convert(model, 10, 9)
    assert result.bounds == (f"ConvInteger {BOUND}",)
    assert_same_numbers(model, result.model)


@given(
    kinds=st.sampled_from([("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8")]),
    lengths=st.lists(st.integers(3, 5), min_size=1, max_size=2),
    kernel=st.integers(1, 3),
    zeros=st.sampled_from(["", ", a", ", a, b", ", , b"]),
    group=st.sampled_from([None, 1, 2]),
    said=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_conv_integer(
    kinds: tuple[str, str], lengths: list[int], kernel: int, zeros: str, group: int | None, said: bool
) -> None:
    """Over one axis or two; ``pads``, ``strides``, ``dilations`` and ``group`` said or left out."""
    data, weight = kinds
    rank = len(lengths)
    window = [kernel] * rank
    attributes = [f"group={group}"] if group else []
    attributes += (
        [f"pads={[1] * 2 * rank}", f"strides={[2] * rank}", f"kernel_shape={window}"] if said else []
    )
    inner = 4 // (group or 1)
    model = parse(
        10,
        f"""g ({data}[N,4,{",".join(map(str, lengths))}] x, {weight}{[2, inner, *window]} w)
        => (int32[N,2,{",".join("RS"[:rank])}] y) <{data} a = {{3}}, {weight} b = {{2}}>
        {{ y = ConvInteger{in_brackets(attributes)}(x, w{zeros}) }}""",
    )
    generator = np.random.default_rng(len(lengths))
    inputs = {
        name: generator.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, kind, True)
        for name, kind, shape in (("x", data, (2, 4, *lengths)), ("w", weight, (2, inner, *window)))
    }
    assert_same_numbers(model, step(model), inputs)


def test_no_sum_saturates_before_the_result_does() -> None:
    """Two products of 255 and 127 are beyond 16 bits, in which some processors add them up."""
    parameters = "float s = {1}, float u = {20000}, uint8 z = {0}, int8 m = {0}"
    text = f"""g (uint8[1,8,2,2] x, int8[1,8,2,2] w) => (uint8[1,1,1,1] y) <{parameters}>
    {{ y = QLinearConv(x, s, z, w, s, m, u, z) }}"""
    model = parse(10, text)
    inputs = {"x": np.full((1, 8, 2, 2), 255, np.uint8), "w": np.full((1, 8, 2, 2), 127, np.int8)}
    for each in (model, step(model)):
        assert run(each, inputs)[0].ravel().tolist() == [round(32 * 255 * 127 / 20000)]
