"""LinearAttention by its definition in the onnx package, a Scan over the steps in time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import noise, parse, run, run_reference
from tests.opsets.onnx_cases import assert_case, cases_of


@pytest.mark.parametrize("target", [26, 12, 9, 8])
@pytest.mark.parametrize("name", cases_of("LinearAttention"))
def test_onnx_cases(name: str, target: int) -> None:
    assert_case("LinearAttention", name, target)


def test_it_is_one_scan_without_arithmetic_on_shapes() -> None:
    text = """g (float[N,S,8] q, float[N,S,8] k, float[N,S,8] v, float[N,2,4,4] p)
    => (float[N,S,8] y, float[N,2,4,4] s) {
        y, s = LinearAttention<q_num_heads=2, kv_num_heads=2, update_rule="linear">(q, k, v, p) }"""
    graph = convert(parse(27, text), 27, 26).model.graph
    operators = [node.op_type for node in graph.node]
    assert operators.count("Scan") == 1
    assert set(operators) == {"Scan", "Reshape", "Transpose", "CastLike"}
    [scan] = [node for node in graph.node if node.op_type == "Scan"]
    body = next(attribute.g for attribute in scan.attribute if attribute.name == "body")
    names = [output for node in (*graph.node, *body.node) for output in node.output]
    assert len(names) == len(set(names))


RULES = {"linear": (), "gated": ("d",), "delta": ("b",), "gated_delta": ("d", "b")}


@given(
    st.sampled_from(list(RULES)),
    st.sampled_from([None, 0.5]),
    st.sampled_from([(2, 2), (4, 2)]),
    st.booleans(),
    st.integers(1, 5),
)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_rule_and_heads_give_the_same(
    rule: str, scale: float | None, heads: tuple[int, int], past: bool, steps: int
) -> None:
    """Of sequences of any length, the state given or not, as many heads of keys or fewer."""
    queries, keys = heads
    inputs = [f"float[N,S,{4 * queries}] q", f"float[N,S,{4 * keys}] k", f"float[N,S,{6 * keys}] v"]
    shapes: dict[str, tuple[int, ...]] = {
        "q": (2, steps, 4 * queries),
        "k": (2, steps, 4 * keys),
        "v": (2, steps, 6 * keys),
    }
    names = ["q", "k", "v", "", "", ""]
    if past:
        inputs.append(f"float[N,{keys},4,6] p")
        shapes["p"], names[3] = (2, keys, 4, 6), "p"
    for name, place, width in (("d", 4, 4 * keys), ("b", 5, keys)):
        if name in RULES[rule]:
            inputs.append(f"float[N,S,{width}] {name}")
            shapes[name], names[place] = (2, steps, width), name
    form = f'q_num_heads={queries}, kv_num_heads={keys}, update_rule="{rule}"'
    form += "" if scale is None else f", scale={scale}"
    model = parse(
        27,
        f"""g ({", ".join(inputs)}) => (float[N,S,{6 * queries}] y, float[N,{keys},4,6] s) {{
            y, s = LinearAttention<{form}>({", ".join(names)}) }}""",
    )
    values = {name: noise(shape, seed=seed) / 4 for seed, (name, shape) in enumerate(shapes.items())}
    values = {name: array.astype(np.float32) for name, array in values.items()}
    lowered = convert(model, 27, 13).model
    for found, expected in zip(run(lowered, values), run_reference(model, values), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_below_8_there_is_no_scan() -> None:
    text = """g (float[N,S,8] q, float[N,S,8] k, float[N,S,8] v) => (float[N,S,8] y) {
        y, s = LinearAttention<q_num_heads=2, kv_num_heads=2, update_rule="linear">(q, k, v) }"""
    with pytest.raises(
        RetargetError, match="by now Scan, opset 8 to 7: no older operator but a Loop goes through a tensor"
    ):
        convert(parse(27, text), 27, 7)
