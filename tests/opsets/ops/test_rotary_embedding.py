"""RotaryEmbedding by its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import parser

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_step, noise, parse, run, run_reference, step
from tests.opsets.onnx_cases import assert_case, cases_of


@pytest.mark.parametrize("target", [22, 12, 7])
@pytest.mark.parametrize("name", cases_of("RotaryEmbedding"))
def test_onnx_cases(name: str, target: int) -> None:
    assert_case("RotaryEmbedding", name, target)


def test_two_halves_are_turned_together() -> None:
    assert_step(
        23,
        """g (float[N,2,S,4] x, float[N,S,2] c, float[N,S,2] s) => (float[N,2,S,4] y) {
            y = RotaryEmbedding(x, c, s) }""",
        """g (float[N,2,S,4] x, float[N,S,2] c, float[N,S,2] s) => (float[N,2,S,4] y)
        <int64[1] y_axis = {1}, int64[1] y_axis_1 = {1},
         int64[1] y_start = {0}, int64[1] y_end = {2}, int64[1] y_axis_2 = {3}, int64[1] y_step = {1},
         int64[1] y_start_1 = {2}, int64[1] y_end_1 = {4}, int64[1] y_axis_3 = {3}, int64[1] y_step_1 = {1}> {
            y_Unsqueeze = Unsqueeze(c, y_axis)
            y_Unsqueeze_1 = Unsqueeze(s, y_axis_1)
            y_Slice = Slice(x, y_start, y_end, y_axis_2, y_step)
            y_Slice_1 = Slice(x, y_start_1, y_end_1, y_axis_3, y_step_1)
            y_Mul = Mul(y_Unsqueeze, y_Slice)
            y_Mul_1 = Mul(y_Unsqueeze_1, y_Slice_1)
            y_Sub = Sub(y_Mul, y_Mul_1)
            y_Mul_2 = Mul(y_Unsqueeze_1, y_Slice)
            y_Mul_3 = Mul(y_Unsqueeze, y_Slice_1)
            y_Add = Add(y_Mul_2, y_Mul_3)
            y = Concat<axis=-1>(y_Sub, y_Add)
        }""",
    )


@given(st.booleans(), st.booleans(), st.booleans(), st.sampled_from([0, 4]), st.integers(1, 4))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_form_gives_the_same(
    packed: bool, interleaved: bool, places: bool, turned: int, steps: int
) -> None:
    """Of batches and sequences of any length, down to 5."""
    shape = "[N,S,16]" if packed else "[N,2,S,8]"
    half = (turned or 8) // 2
    cache, size = ("[10,{}]", (10, half)) if places else ("[N,S,{}]", (2, steps, half))
    form = [f"interleaved={int(interleaved)}", f"rotary_embedding_dim={turned}"] + (
        ["num_heads=2"] if packed else []
    )
    text = f"""g (float{shape} x, float{cache.format(half)} c, float{cache.format(half)} s
        {", int64[N,S] p" if places else ""}) => (float{shape} y) {{
        y = RotaryEmbedding<{", ".join(form)}>(x, c, s{", p" if places else ""}) }}"""
    model = parse(23, text)
    inputs = {
        "x": noise((2, steps, 16) if packed else (2, 2, steps, 8)),
        "c": noise(size, seed=2),
        "s": noise(size, seed=3),
    }
    if places:
        inputs["p"] = np.random.default_rng(steps).integers(0, 10, (2, steps))
    expected = run_reference(model, inputs)[0]
    for target in (22, 11, 7):
        np.testing.assert_allclose(
            run(convert(model, 23, target).model, inputs)[0], expected, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ("[N,S,16]", "the number of heads is not given"),
        ("[N,2,S,D]", "the length of axis 3 of x is not fixed"),
    ],
)
def test_what_cannot_be_said_is_refused(shape: str, reason: str) -> None:
    stamp = '<ir_version: 10, opset_import: ["": 23]>'
    inputs = f"float{shape} x, float[N,S,4] c, float[N,S,4] s"
    model = parser.parse_model(f"{stamp} g ({inputs}) => (float{shape} y) {{ y = RotaryEmbedding(x, c, s) }}")
    with pytest.raises(RetargetError, match=f"RotaryEmbedding .*23 to 22: .*{reason}"):
        step(model)
