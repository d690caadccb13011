"""LayerNormalization in the operators of 16."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, noise, parse, step


def test_scale_bias_and_epsilon() -> None:
    weights = "float[6] s = {1,2,3,4,5,6}, float[6] b = {6,5,4,3,2,1}"
    assert_step(
        17,
        f"g (float[N,4,6] x) => (float[N,4,6] y) <{weights}>"
        " { y = LayerNormalization<epsilon=0.5>(x, s, b) }",
        f"""g (float[N,4,6] x) => (float[N,4,6] y) <{weights}, float y_epsilon = {{0.5}}> {{
            y_ReduceMean = ReduceMean<axes=[-1], keepdims=1>(x)
            y_Sub = Sub(x, y_ReduceMean)
            y_Mul = Mul(y_Sub, y_Sub)
            y_ReduceMean_1 = ReduceMean<axes=[-1], keepdims=1>(y_Mul)
            y_Add = Add(y_ReduceMean_1, y_epsilon)
            y_Sqrt = Sqrt(y_Add)
            y_Div = Div(y_Sub, y_Sqrt)
            y_Mul_1 = Mul(y_Div, s)
            y = Add(y_Mul_1, b)
        }}""",
        tolerance=2e-6,
    )


def test_mean_and_deviation_and_no_bias() -> None:
    kind = "float[N,4,6] x) => (float[N,4,6] y, float[N,1,1] m, float[N,1,1] d"
    ones = ",".join(["1.5"] * 24)
    assert_step(
        17,
        f"g ({kind}) <float[4,6] s = {{{ones}}}> {{ y, m, d = LayerNormalization<axis=1>(x, s) }}",
        f"""g ({kind}) <float[4,6] s = {{{ones}}}, float y_epsilon = {{0.00001}}> {{
            m = ReduceMean<axes=[1,2], keepdims=1>(x)
            y_Sub = Sub(x, m)
            y_Mul = Mul(y_Sub, y_Sub)
            y_ReduceMean_1 = ReduceMean<axes=[1,2], keepdims=1>(y_Mul)
            y_Add = Add(y_ReduceMean_1, y_epsilon)
            y_Sqrt = Sqrt(y_Add)
            y_Div = Div(y_Sub, y_Sqrt)
            y = Mul(y_Div, s)
            d = Reciprocal(y_Sqrt)
        }}""",
        tolerance=2e-6,
    )


@pytest.mark.parametrize("outputs", ["y, m", "y, , d"])
def test_one_of_the_optional_outputs(outputs: str) -> None:
    last = outputs[-1]
    model = parse(
        17,
        f"""g (float[N,4] x, float[4] s) => (float[N,4] y, float[N,1] {last}) {{
            {outputs} = LayerNormalization(x, s)
        }}""",
    )
    assert_same_numbers(model, step(model), tolerance=2e-6)


@pytest.mark.parametrize(("kind", "tolerance"), [("float16", 2e-3), ("double", 1e-6)])
def test_other_types_are_normalised_in_float32(kind: str, tolerance: float) -> None:
    model = parse(
        17,
        f"""g ({kind}[N,6] x, {kind}[6] s, {kind}[6] b) => ({kind}[N,6] y)
        {{ y = LayerNormalization(x, s, b) }}""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node].count("Cast") == 2
    assert_same_numbers(model, lowered, tolerance=tolerance)


def test_another_type_of_the_mean_is_refused() -> None:
    model = parse(
        17,
        """g (bfloat16[2,4] x, bfloat16[4] s) => (bfloat16[2,4] y)
        { y = LayerNormalization<stash_type=16>(x, s) }""",
    )
    with pytest.raises(
        RetargetError, match=r"LayerNormalization .*17 to 16: its mean is computed in another"
    ):
        step(model)


@given(st.lists(st.integers(2, 4), min_size=1, max_size=4), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_axis_gives_the_same(shape: list[int], data: st.DataObject) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    whole, part = ",".join(map(str, shape)), ",".join(map(str, shape[axis % len(shape) :]))
    model = parse(
        17,
        f"""g (float[{whole}] x, float[{part}] s, float[{part}] b) => (float[{whole}] y)
        {{ y = LayerNormalization<axis={axis}, epsilon=0.01>(x, s, b) }}""",
    )
    part_shape = tuple(shape[axis % len(shape) :])
    inputs: dict[str, Array] = {
        "x": noise(tuple(shape)),
        "s": noise(part_shape, seed=1),
        "b": noise(part_shape, seed=2),
    }
    assert_same_numbers(model, step(model), inputs, tolerance=1e-5)
