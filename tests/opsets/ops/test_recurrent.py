"""RNN, GRU and LSTM: the time before the batch, and the sequence asked for below 7."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from opsets import retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, inputs_for, parse, run_onnxruntime, step
from tests.opsets.shapes import in_brackets

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
HIDDEN = 5


def weights(operator: str, directions: int = 1) -> str:
    rows = GATES[operator] * HIDDEN
    return f"float[{directions},{rows},4] w, float[{directions},{rows},{HIDDEN}] r"


@pytest.mark.parametrize("operator", GATES)
def test_a_layout_that_is_the_default_goes(operator: str) -> None:
    graph = f"g (float[T,N,4] x, {weights(operator)}) => (float[T,1,N,5] y, float[1,N,5] h)"
    assert_step(
        14,
        f"{graph} {{ y, h = {operator}<hidden_size=5, layout=0>(x, w, r) }}",
        f"{graph} {{ y, h = {operator}<hidden_size=5>(x, w, r) }}",
        tolerance=1e-5,
    )


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize("initial", [False, True])
def test_a_batch_that_comes_first_is_brought_behind_the_time(operator: str, initial: bool) -> None:
    """Batch first is nothing that onnxruntime has: it computes the same with the time first."""
    states = ["h", "c"] if operator == "LSTM" else ["h"]
    given_ = "".join(f", float[2,1,5] i{state}" for state in states) if initial else ""
    inputs = "x, w, r, , " + "".join(f", i{state}" for state in states) if initial else "x, w, r"
    results = ", ".join(f"float[2,1,5] y{state}" for state in states)
    text = f"""g (float[2,3,4] x, {weights(operator)}{given_}) => (float[2,3,1,5] y, {results}) {{
        y, {", ".join(f"y{state}" for state in states)} = {operator}<hidden_size=5, layout=1>({inputs})
    }}"""
    model = parse(14, text)
    values = inputs_for(model)
    below = step(model)
    found = run_onnxruntime(below, values)
    time_first = {name: array.swapaxes(0, 1) if name[0] in "xi" else array for name, array in values.items()}
    plain = parse(
        14,
        text.replace("layout=1", "layout=0")
        .replace("[2,3,4]", "[3,2,4]")
        .replace("[2,1,5]", "[1,2,5]")
        .replace("[2,3,1,5]", "[3,1,2,5]"),
    )
    expected = run_onnxruntime(plain, time_first)
    np.testing.assert_allclose(found[0], expected[0].transpose(2, 0, 1, 3), rtol=1e-5, atol=1e-6)
    for state, other in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(state, other.swapaxes(0, 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("operator", GATES)
@given(
    direction=st.sampled_from(["forward", "reverse", "bidirectional"]),
    outputs=st.sampled_from(["y, ", "y, h", ", h"]),
    bias=st.booleans(),
)
@settings(max_examples=5, deadline=None, derandomize=True)
def test_below_7_the_sequence_is_asked_for(operator: str, direction: str, outputs: str, bias: bool) -> None:
    directions = 1 + (direction == "bidirectional")
    shapes = {"y": f"float[3,{directions},2,5] y", "h": f"float[{directions},2,5] h"}
    declared = ", ".join(shapes[name] for name in "yh" if name in outputs)
    given_, last = (f", float[{directions},{GATES[operator] * 10}] b", ", b") if bias else ("", "")
    model = parse(
        7,
        f"""g (float[3,2,4] x, {weights(operator, directions)}{given_}) => ({declared}) {{
            {outputs.rstrip(", ")} = {operator}<hidden_size=5, direction="{direction}">(x, w, r{last})
        }}""",
    )
    below = step(model)
    asked = [entry.i for entry in below.graph.node[0].attribute if entry.name == "output_sequence"]
    assert asked == ([1] if "y" in outputs else [])
    assert_same_numbers(model, below, tolerance=1e-5)


def test_all_the_way_down() -> None:
    model = parse(
        22,
        f"""g (float[3,2,4] x, {weights("LSTM")}) => (float[3,1,2,5] y, float[1,2,5] h, float[1,2,5] c) {{
            y, h, c = LSTM<hidden_size=5>(x, w, r)
        }}""",
    )
    assert_same_numbers(model, retarget(model, 3), tolerance=1e-5)


@pytest.mark.parametrize("operator", GATES)
@given(
    lengths=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    direction=st.sampled_from([None, "forward", "reverse", "bidirectional"]),
    bias=st.booleans(),
    initial=st.booleans(),
)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_batch_that_comes_first(
    operator: str, lengths: tuple[int, int], direction: str | None, bias: bool, initial: bool
) -> None:
    """As the same with the time first, whose data and results are transposed."""
    batch, time = lengths
    directions = 1 + (direction == "bidirectional")
    more = [("b", f"[{directions},{GATES[operator] * 10}]")] if bias else []
    names = f"x, w, r, {'b' if bias else ''}, , {'i' if initial else ''}".rstrip(", ")

    def model(layout: int) -> ModelProto:
        x = [time, batch, 4] if layout == 0 else [batch, time, 4]
        h = [directions, batch, HIDDEN] if layout == 0 else [batch, directions, HIDDEN]
        y = [time, directions, batch, HIDDEN] if layout == 0 else [batch, time, directions, HIDDEN]
        states = more + ([("i", f"{h}")] if initial else [])
        declared = "".join(f", float{of} {name}" for name, of in states)
        settings_ = [f"hidden_size={HIDDEN}", f"layout={layout}"]
        settings_ += [f'direction="{direction}"'] if direction else []
        return parse(
            14,
            f"""g (float{x} x, {weights(operator, directions)}{declared}) => (float{y} y, float{h} h)
            {{ y, h = {operator}{in_brackets(settings_)}({names}) }}""",
        )

    values = inputs_for(model(1))
    moved = {name: array.swapaxes(0, 1) if name in "xi" else array for name, array in values.items()}
    y, h = run_onnxruntime(model(0), moved)
    found = run_onnxruntime(step(model(1)), values)
    np.testing.assert_allclose(found[0].transpose(1, 2, 0, 3), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[1].swapaxes(0, 1), h, rtol=1e-5, atol=1e-6)
    assert_same_numbers(model(0), step(model(0)), moved, tolerance=1e-5)
