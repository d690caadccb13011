"""Cast: text, the names of types, and conditions as numbers below 6."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from opsets import RetargetError, retarget
from opsets.conversion import convert
from parity.raising import raise_to_9
from tests.opsets.comparing import Array, assert_step, noise, parse, run, run_onnxruntime, step, text_of


def test_a_comparison_is_computed_in_numbers() -> None:
    assert_step(
        6,
        """g (float[2,3] x, float[3] y)
        => (float[2,3] z) { c = Less<broadcast=1>(x, y) z = Cast<to=1>(c) }""",
        """g (
            float[2,3] x,
            float[3] y,
            float z_factor = {1e+30},
            float z_factor_1 = {1e+30}
        ) => (float[2,3] z) {
            z_Sub = Sub<broadcast=1>(x, y)
            z_Neg = Neg(z_Sub)
            z_Mul = Mul<broadcast=1>(z_Neg, z_factor)
            z_Clip = Clip<max=1.0, min=0.0>(z_Mul)
            z_Mul_1 = Mul<broadcast=1>(z_Clip, z_factor_1)
            z = Clip<max=1.0, min=0.0>(z_Mul_1)
        }""",
    )


def test_either_of_two_is_a_clipped_sum() -> None:
    assert_step(
        6,
        """g (float[2] x, float[2] y)
        => (float[2] z) { c = Less(x, y) d = Greater(x, y) e = Or(c, d) z = Cast<to=1>(e) }""",
        """g (
            float[2] x,
            float[2] y,
            float z_factor = {1e+30},
            float z_factor_1 = {1e+30},
            float z_factor_2 = {1e+30},
            float z_factor_3 = {1e+30}
        ) => (float[2] z) {
            z_Sub = Sub(x, y)
            z_Neg = Neg(z_Sub)
            z_Mul = Mul<broadcast=1>(z_Neg, z_factor)
            z_Clip = Clip<max=1.0, min=0.0>(z_Mul)
            z_Mul_1 = Mul<broadcast=1>(z_Clip, z_factor_1)
            z_Clip_1 = Clip<max=1.0, min=0.0>(z_Mul_1)
            z_Sub_1 = Sub(x, y)
            z_Mul_2 = Mul<broadcast=1>(z_Sub_1, z_factor_2)
            z_Clip_2 = Clip<max=1.0, min=0.0>(z_Mul_2)
            z_Mul_3 = Mul<broadcast=1>(z_Clip_2, z_factor_3)
            z_Clip_3 = Clip<max=1.0, min=0.0>(z_Mul_3)
            z_Add = Add(z_Clip_1, z_Clip_3)
            z = Clip<max=1.0, min=0.0>(z_Add)
        }""",
    )


def test_not_is_the_rest_to_one() -> None:
    assert_step(
        6,
        "g (float[2] x, float[2] y) => (float[2] z) { c = Less(x, y) d = Not(c) z = Cast<to=1>(d) }",
        """g (
            float[2] x,
            float[2] y,
            float z_factor = {1e+30},
            float z_factor_1 = {1e+30},
            float z_one = {1.0}
        ) => (float[2] z) {
            z_Sub = Sub(x, y)
            z_Neg = Neg(z_Sub)
            z_Mul = Mul<broadcast=1>(z_Neg, z_factor)
            z_Clip = Clip<max=1.0, min=0.0>(z_Mul)
            z_Mul_1 = Mul<broadcast=1>(z_Clip, z_factor_1)
            z_Clip_1 = Clip<max=1.0, min=0.0>(z_Mul_1)
            z_Neg_1 = Neg(z_Clip_1)
            z = Add<broadcast=1>(z_Neg_1, z_one)
        }""",
        inputs={"x": np.array([1, 3], dtype=np.float32), "y": np.array([2, 2], dtype=np.float32)},
    )


def test_a_type_is_named_by_text() -> None:
    lowered = step(parse(6, "g (int32[2] x) => (float[2] z) { z = Cast<to=1>(x) }"))
    assert [(attribute.name, attribute.s) for attribute in lowered.graph.node[0].attribute] == [
        ("to", b"FLOAT")
    ]


def test_numbers_of_any_kind_stay() -> None:
    text = "g (int32[2] x) => (double[2] z) { z = Cast<to=11>(x) }"
    assert_step(9, text, text)


@pytest.mark.parametrize(("source", "to", "target"), [("string", 1, "float"), ("float", 8, "string")])
def test_text_is_refused(source: str, to: int, target: str) -> None:
    model = parse(9, f"g ({source}[2] x) => ({target}[2] z) {{ z = Cast<to={to}>(x) }}")
    with pytest.raises(RetargetError, match=r"Cast .*9 to 8: it reads or writes text"):
        step(model)


CONDITIONS = st.recursive(
    st.sampled_from(["Less(x, y)", "Greater(x, y)", "Less(y, half)", "Greater(x, half)"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["And", "Or", "Xor"]), inner, inner),
        st.tuples(st.sampled_from(["Not", "Transpose"]), inner),
    ),
    max_leaves=5,
)


def written(condition: object, nodes: list[str]) -> str:
    """The name of ``condition``, after its nodes were put behind ``nodes``."""
    if isinstance(condition, tuple):
        operator, *parts = condition
        call = f"{operator}({', '.join([written(part, nodes) for part in parts])})"
    else:
        call = str(condition)
    nodes.append(f"c{len(nodes)} = {call}")
    return f"c{len(nodes) - 1}"


@given(CONDITIONS)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_condition_gives_the_same(condition: object) -> None:
    nodes: list[str] = []
    last = written(condition, nodes)
    text = f"""g (float[3,3] x, float[3,3] y) => (float[3,3] z) <float half = {{0.5}}>
        {{ {" ".join(nodes)} m = Cast<to=1>({last})
        u = Mul(x, half) v = Mul(y, half) w = Add(u, v) z = Mul(m, w) }}"""
    model = parse(9, text)
    lowered = convert(model, 9, 5)
    assert "Cast" not in {node.op_type for node in lowered.model.graph.node}
    numbers = {"x": ties(0), "y": ties(1)}
    np.testing.assert_allclose(run(lowered.model, numbers)[0], run_onnxruntime(model, numbers)[0], rtol=1e-6)


def ties(seed: int) -> Array:
    """Numbers of which some are alike and some are as small as can be."""
    numbers = np.round(noise((3, 3), np.float32, seed))
    numbers[0] = [1e-45, 0, 0.5] if seed else [0, 0, 0.5]
    return numbers


def test_the_bound_is_recorded() -> None:
    model = parse(6, "g (float[2] x, float[2] y) => (float[2] z) { c = Less(x, y) z = Cast<to=1>(c) }")
    assert convert(model, 6, 5).bounds == (
        "Conditions as numbers below 6: NaN where NaN or infinities are compared",
    )


@pytest.mark.parametrize(("opset", "name", "value"), [(24, "round_mode", '"down"'), (19, "saturate", "0")])
def test_what_decides_8_bit_floats_alone_is_dropped(opset: int, name: str, value: str) -> None:
    """Onnxruntime refuses the attribute for any other type."""
    model = parse(opset, f"g (float[2] x) => (int32[2] z) {{ z = Cast<to=6, {name}={value}>(x) }}")
    expected = parse(opset - 1, "g (float[2] x) => (int32[2] z) { z = Cast<to=6>(x) }")
    assert text_of(step(model)) == text_of(expected)


@pytest.mark.parametrize(("opset", "to", "kind"), [(24, 24, "float8e8m0"), (19, 17, "float8e4m3fn")])
def test_8_bit_floats_are_refused(opset: int, to: int, kind: str) -> None:
    model = parse(opset, f"g (float[2] x) => ({kind}[2] z) {{ z = Cast<to={to}>(x) }}")
    with pytest.raises(
        RetargetError, match=rf"Cast .*{opset} to {opset - 1}: output 0 may not be tensor\({kind}\)"
    ):
        step(model)


NUMBERS = {"float": 1, "double": 11, "int32": 6, "int64": 7, "uint8": 2, "bool": 9, "float16": 10}


@given(
    st.sampled_from(sorted(NUMBERS)),
    st.sampled_from(sorted(NUMBERS)),
    st.sampled_from([(24, "round_mode", '"up"'), (24, "saturate", "1"), (19, "saturate", "0")]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_two_types_give_the_same(source: str, target: str, attribute: tuple[int, str, str]) -> None:
    opset, name, value = attribute
    model = parse(
        opset,
        f"g ({source}[5] x) => ({target}[5] z) {{ z = Cast<to={NUMBERS[target]}, {name}={value}>(x) }}",
    )
    numbers = noise((5,), "float32" if source == "float" else source)
    x = {"x": np.abs(numbers) if source != "bool" else numbers}  # what is below 0 has no uint8
    expected = list(ReferenceEvaluator(model).run(None, x))
    np.testing.assert_array_equal(run(convert(model, opset, 12).model, x)[0], expected[0])


def test_a_constant_is_cast_at_once() -> None:
    assert_step(
        6,
        """g (double[N,2] x, float[2] w = {0.5, 3}) => (double[N,2] y) {
            d = Cast<to=11>(w)
            y = Add<broadcast=1>(x, d)
        }""",
        """g (double[N,2] x, double[2] d_cast = {0.5, 3}) => (double[N,2] y) {
            y = Add<broadcast=1>(x, d_cast)
        }""",
    )


def test_a_cast_to_the_same_type_goes() -> None:
    assert_step(
        6,
        "g (float[N,2] x) => (float[N,2] y) { y = Cast<to=1>(x) }",
        "g (float[N,2] x) => (float[N,2] y) { y = Identity(x) }",
    )


@pytest.mark.parametrize("target", [3, 4, 6, 9, 13])
def test_a_source_below_6_names_its_types_by_text(target: int) -> None:
    """In what is idle, in what lengths are computed of, and in what stays."""
    model = parse(
        5,
        """g (float[N,3] x, int64[2] n) => (float[A,B] y, float[2] z)
        <float[2] f, int64[2] i, float[N,3] same> {
            s = Shape(x) f = Cast<to="FLOAT">(s) i = Cast<to="INT64">(f) same = Cast<to="float">(x)
            y = Reshape(same, i) z = Cast<to="FLOAT">(n)
        }""",
    )
    lowered = retarget(model, target)
    if target < 6:
        raise_to_9(lowered)  # OpenVINO reads no Cast below 6
    x, n = noise((2, 3)), np.array([4, -5])
    y, z = run_onnxruntime(lowered, {"x": x, "n": n})
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(z, n)
