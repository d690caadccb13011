"""Attention: windows and padding as masks, and the whole of it spelt out."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_step, noise, parse, run, run_reference, step
from tests.opsets.onnx_cases import assert_case, cases_of

CASES = sorted(name for name in cases_of("Attention") if "bf16" not in name)  # which no runtime takes


@pytest.mark.parametrize("name", CASES)
def test_onnx_cases(name: str) -> None:
    """At 7, the lowest opset that has all that they ask for; one in eight also where the way begins."""
    assert_case("Attention", name, 7)
    if CASES.index(name) % 8 == 0:
        assert_case("Attention", name, 22)


@pytest.mark.parametrize(
    "name",
    [
        "test_attention_4d_gqa_causal",
        "test_attention_3d_with_past_and_present",
        "test_attention_4d_attn_mask_bool",
    ]
    + [name for name in CASES if "fullymasked" in name or "window" in name],
)
def test_onnx_cases_below_7(name: str) -> None:
    assert_case("Attention", name, 6)


def test_without_a_mask_it_is_two_products_and_a_softmax() -> None:
    assert_step(
        23,
        """g (float[N,2,S,4] q, float[N,2,T,4] k, float[N,2,T,4] v) => (float[N,2,S,4] y) {
            y = Attention<scale=0.25>(q, k, v) }""",
        """g (float[N,2,S,4] q, float[N,2,T,4] k, float[N,2,T,4] v) => (float[N,2,S,4] y)
        <float y_scale = {0.5}> {
            y_Transpose = Transpose<perm=[0,1,3,2]>(k)
            y_Mul = Mul(q, y_scale)
            y_Mul_1 = Mul(y_Transpose, y_scale)
            y_MatMul = MatMul(y_Mul, y_Mul_1)
            y_Softmax = Softmax<axis=-1>(y_MatMul)
            y = MatMul(y_Softmax, v)
        }""",
    )


def test_heads_that_are_packed_are_taken_apart_and_shared() -> None:
    assert_step(
        23,
        """g (float[N,S,8] q, float[N,S,4] k, float[N,S,4] v) => (float[N,S,8] y) {
            y = Attention<q_num_heads=4, kv_num_heads=2, scale=1.0>(q, k, v) }""",
        """g (float[N,S,8] q, float[N,S,4] k, float[N,S,4] v) => (float[N,S,8] y)
        <int64[4] y_heads = {0,0,4,-1}, int64[4] y_heads_1 = {0,0,2,-1}, int64[4] y_heads_2 = {0,0,2,-1},
         int64[4] y_shared = {0,0,1,1}, int64[4] y_shared_1 = {0,0,1,1}, float y_scale = {1},
         int64[3] y_packed = {0,0,-1}> {
            y_Reshape = Reshape(q, y_heads)
            y_Transpose = Transpose<perm=[0,2,1,3]>(y_Reshape)
            y_Reshape_1 = Reshape(k, y_heads_1)
            y_Transpose_1 = Transpose<perm=[0,2,1,3]>(y_Reshape_1)
            y_Reshape_2 = Reshape(v, y_heads_2)
            y_Transpose_2 = Transpose<perm=[0,2,1,3]>(y_Reshape_2)
            y_Gather = Gather<axis=1>(y_Transpose_1, y_shared)
            y_Gather_1 = Gather<axis=1>(y_Transpose_2, y_shared_1)
            y_Transpose_3 = Transpose<perm=[0,1,3,2]>(y_Gather)
            y_Mul = Mul(y_Transpose, y_scale)
            y_Mul_1 = Mul(y_Transpose_3, y_scale)
            y_MatMul = MatMul(y_Mul, y_Mul_1)
            y_Softmax = Softmax<axis=-1>(y_MatMul)
            y_MatMul_1 = MatMul(y_Softmax, y_Gather_1)
            y_Transpose_4 = Transpose<perm=[0,2,1,3]>(y_MatMul_1)
            y = Reshape(y_Transpose_4, y_packed)
        }""",
    )


def test_an_order_in_time_of_fixed_lengths_is_a_constant() -> None:
    text = """g (float[N,2,3,4] q, float[N,2,3,4] k, float[N,2,3,4] v) => (float[N,2,3,4] y) {
        y = Attention<is_causal=1>(q, k, v) }"""
    lowered = step(parse(23, text))
    operators = [node.op_type for node in lowered.graph.node]
    assert operators == ["Transpose", "Mul", "Mul", "MatMul", "Add", "Softmax", "MatMul"]
    [mask] = [tensor for tensor in lowered.graph.initializer if tensor.name == "y_mask"]
    assert (onnx.numpy_helper.to_array(mask) == 0).tolist() == np.tri(3, dtype=bool).tolist()


def test_a_window_is_a_mask_below_25() -> None:
    before = """g (float[N,2,3,4] q, float[N,2,3,4] k, float[N,2,3,4] v, bool[3,3] m) => (float[N,2,3,4] y) {
        y = Attention<left_window_size=1, right_window_size=0>(q, k, v, m) }"""
    lowered = step(parse(25, before))
    *_, both, attention = lowered.graph.node
    assert (both.op_type, attention.op_type) == ("And", "Attention")
    assert list(attention.input) == ["q", "k", "v", both.output[0]]
    assert not attention.attribute


@pytest.mark.parametrize("opset", [24, 25])
def test_what_the_newer_form_does_not_use_goes_without_a_trace(opset: int) -> None:
    text = """g (float[N,2,3,4] q, float[N,2,3,4] k, float[N,2,3,4] v) => (float[N,2,3,4] y) {
        y = Attention<is_causal=1, softcap=2.0>(q, k, v) }"""
    assert_step(opset, text, text, tolerance=1e-5)


OPTIONS: dict[str, list[str | None]] = {
    "is_causal": ["0", "1"],
    "softcap": ["0.0", "1.5"],
    "scale": [None, "0.3"],
    "left_window_size": ["-1", "0", "2"],
    "right_window_size": ["-1", "1"],
}


@given(
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in OPTIONS.items()}),
    st.sampled_from(["float[S,T]", "bool[2,1,S,T]", "float16", ""]),
    st.booleans(),
    st.sampled_from([(1, 1), (3, 5), (4, 4)]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_options_and_open_lengths_give_the_same(
    options: dict[str, str | None], mask: str, past: bool, steps: tuple[int, int]
) -> None:
    """With sequences of any length, as far as opset 14, which has all that counts them."""
    kind = "float16" if mask == "float16" else "float"
    names = ["q", "k", "v", "m" if "[" in mask else "", *(["p", "o"] if past else [])]
    length = "L" if past else "T"
    inputs = [f"{kind}[N,2,S,4] q", f"{kind}[N,2,{length},4] k", f"{kind}[N,2,{length},6] v"]
    inputs += [f"{mask.replace('T', 'U')} m"] if "[" in mask else []
    inputs += [f"{kind}[N,2,P,4] p", f"{kind}[N,2,P,6] o"] if past else []
    given_ = ", ".join(f"{name}={value}" for name, value in options.items() if value is not None)
    text = f"g ({', '.join(inputs)}) => ({kind}[N,2,S,6] y) {{ y = Attention<{given_}>({', '.join(names)}) }}"
    model = parse(25, text)
    queries, keys = steps
    before = 2 if past else 0
    shapes = {"q": (2, 2, queries, 4), "k": (2, 2, keys, 4), "v": (2, 2, keys, 6)}
    shapes |= {"p": (2, 2, before, 4), "o": (2, 2, before, 6)} if past else {}
    numbers = np.float16 if kind == "float16" else np.float32
    values = {name: noise(shape, numbers, seed) for seed, (name, shape) in enumerate(shapes.items())}
    if "[" in mask:
        whole = (queries, keys + before) if mask.startswith("float") else (2, 1, queries, keys + before)
        values["m"] = noise(whole, np.bool_ if mask.startswith("bool") else np.float32)
    tolerance = 1e-2 if kind == "float16" else 1e-5
    expected = run_reference(model, values)[0]
    found = run(convert(model, 25, 16).model, values)[0]
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("inputs", "attributes", "reason"),
    [
        ("float[N,S,8] q, float[N,S,8] k, float[N,S,8] v", "softcap=1.0", "the number of heads is not given"),
        (
            "float[N,4,S,8] q, float[N,3,S,8] k, float[N,3,S,8] v",
            "scale=1.0",
            "its 4 heads of queries do not share 3 heads of keys evenly",
        ),
        (
            "float[N,2,S,D] q, float[N,2,S,D] k, float[N,2,S,D] v",
            "softcap=1.0",
            "a size of heads that is not",
        ),
    ],
)
def test_what_cannot_be_spelt_out_is_refused(inputs: str, attributes: str, reason: str) -> None:
    stamp = '<ir_version: 11, opset_import: ["": 23]>'
    text = f"{stamp} g ({inputs}) => (float[A,B,C,E] y) {{ y = Attention<{attributes}>(q, k, v) }}"
    model = onnx.parser.parse_model(text)  # the checker passes no such model
    with pytest.raises(RetargetError, match=f"Attention .*23 to 22: .*{reason}"):
        step(model)


def test_a_mask_of_another_open_length_is_told() -> None:
    text = """g (float[N,2,S,4] q, float[N,2,T,4] k, float[N,2,T,4] v, float[S,U] m) => (float[N,2,S,4] y) {
        y = Attention(q, k, v, m) }"""
    assert convert(parse(23, text), 23, 22).bounds == (
        "Attention below 23: exact where its mask reaches all keys",
    )
