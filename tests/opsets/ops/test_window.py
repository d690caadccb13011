"""Windows and mel weights, computed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, noise, parse, step
from tests.opsets.shapes import in_brackets

WINDOWS = ("HannWindow", "HammingWindow", "BlackmanWindow")


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.sampled_from(WINDOWS), st.integers(2, 40), st.integers(0, 1), st.sampled_from(["1", "11"]))
def test_a_window_is_a_constant(operator: str, size: int, periodic: int, kind: str) -> None:
    name = {"1": "float", "11": "double"}[kind]
    model = parse(
        17,
        f"""g ({name}[{size}] x) => ({name}[{size}] y) <int64 s = {{{size}}}> {{
            w = {operator}<periodic={periodic}, output_datatype={kind}>(s)
            y = Mul(x, w)
        }}""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["Mul"]
    assert_same_numbers(model, lowered, zeros=True)


@pytest.mark.parametrize("edges", ["0,8000", "20,4000"])
@pytest.mark.parametrize("bands", [4, 8])
def test_mel_weights_are_a_constant(edges: str, bands: int) -> None:
    low, high = edges.split(",")
    model = parse(
        17,
        f"""g (float[N,17] x) => (float[N,{bands}] y)
        <int64 b = {{{bands}}}, int64 n = {{32}}, int64 r = {{16000}},
         float l = {{{low}}}, float h = {{{high}}}> {{
            w = MelWeightMatrix(b, n, r, l, h)
            y = MatMul(x, w)
        }}""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["MatMul"]
    assert_same_numbers(model, lowered, {"x": noise((2, 17))})


@pytest.mark.parametrize("operator", WINDOWS)
def test_a_size_computed_at_run_time_is_refused(operator: str) -> None:
    model = parse(17, f"g (int64 s) => (float[A] y) {{ y = {operator}(s) }}")
    with pytest.raises(
        RetargetError, match=rf"{operator} .*17 to 16: its size \(s\) are computed at run time"
    ):
        step(model)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    bands=st.integers(1, 10),
    length=st.sampled_from([8, 9, 32, 64]),
    rate=st.sampled_from([8000, 16000, 44100]),
    edges=st.tuples(st.integers(0, 2000), st.integers(2001, 4000)),
    kind=st.sampled_from([None, "1", "11"]),
)
def test_any_mel_weights(
    bands: int, length: int, rate: int, edges: tuple[int, int], kind: str | None
) -> None:
    """As many bands as there may be; the type left out, or said."""
    name, count = "double" if kind == "11" else "float", length // 2 + 1
    model = parse(
        17,
        f"""g ({name}[N,{count}] x) => ({name}[N,{bands}] y)
        <int64 b = {{{bands}}}, int64 n = {{{length}}}, int64 r = {{{rate}}},
         float l = {{{edges[0]}}}, float h = {{{edges[1]}}}> {{
            w = MelWeightMatrix{in_brackets([f"output_datatype={kind}"] if kind else [])}(b, n, r, l, h)
            y = MatMul(x, w)
        }}""",
    )
    assert_same_numbers(
        model, step(model), {"x": noise((2, count), {"float": "float32"}.get(name, "float64"))}
    )
