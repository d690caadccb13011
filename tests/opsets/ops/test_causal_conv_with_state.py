"""CausalConvWithState as a Conv of what came before and what comes now."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import parser

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step
from tests.opsets.onnx_cases import assert_case, cases_of


@pytest.mark.parametrize("target", [26, 12, 7])
@pytest.mark.parametrize("name", cases_of("CausalConvWithState"))
def test_onnx_cases(name: str, target: int) -> None:
    assert_case("CausalConvWithState", name, target)


def test_its_state_is_the_end_of_what_it_saw() -> None:
    assert_step(
        27,
        """g (float[N,4,L] x, float[4,1,3] w, float[4] b, float[N,4,2] p) => (float[N,4,L] y, float[N,4,2] s)
        {
            y, s = CausalConvWithState<activation="silu">(x, w, b, p) }""",
        """g (float[N,4,L] x, float[4,1,3] w, float[4] b, float[N,4,2] p) => (float[N,4,L] y, float[N,4,2] s)
        <int64[1] y_start = {-2}, int64[1] y_end = {9223372036854775807}, int64[1] y_axis = {2}> {
            y_Concat = Concat<axis=2>(p, x)
            y_Conv = Conv<group=4>(y_Concat, w, b)
            y = Swish(y_Conv)
            s = Slice(y_Concat, y_start, y_end, y_axis)
        }""",
        tolerance=1e-5,
    )


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from(["none", "silu", "swish"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_kernel_and_options_give_the_same(
    channels: int, kernel: int, length: int, activation: str, biased: bool, past: bool, state: bool
) -> None:
    inputs = [f"float[N,{channels},L] x", f"float[{channels},1,{kernel}] w"]
    inputs += [f"float[{channels}] b"] if biased else []
    inputs += [f"float[N,{channels},{kernel - 1}] p"] if past else []
    names = ["x", "w", "b" if biased else "", "p" if past else ""]
    outputs = [f"float[N,{channels},L] y"] + ([f"float[N,{channels},{kernel - 1}] s"] if state else [])
    text = f"""g ({", ".join(inputs)}) => ({", ".join(outputs)}) {{
        y, s = CausalConvWithState<activation="{activation}">({", ".join(names)}) }}"""
    model = parse(27, text)
    shapes = {
        "x": (2, channels, length),
        "w": (channels, 1, kernel),
        "b": (channels,),
        "p": (2, channels, kernel - 1),
    }
    values = {name: noise(shapes[name], seed=seed) for seed, name in enumerate(filter(None, names))}
    assert_same_numbers(model, step(model), values, tolerance=1e-5)
    assert_same_numbers(model, convert(model, 27, 12).model, values, tolerance=1e-5)


@pytest.mark.parametrize(
    ("weight", "activation", "reason"),
    [
        ("4,1,K", "none", "the length of axis 2 of w is not fixed"),
        ("4,1,3", "gelu", "its activation 'gelu' is not known"),
    ],
)
def test_what_cannot_be_said_is_refused(weight: str, activation: str, reason: str) -> None:
    stamp = '<ir_version: 12, opset_import: ["": 27]>'
    node = f'y, s = CausalConvWithState<activation="{activation}">(x, w)'
    model = parser.parse_model(
        f"{stamp} g (float[N,4,L] x, float[{weight}] w) => (float[N,4,L] y) {{ {node} }}"
    )
    with pytest.raises(RetargetError, match=f"CausalConvWithState .*27 to 26: {reason}"):
        step(model)
