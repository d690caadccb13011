"""The forms below 6; the claims that nothing changes are executed with the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import ModelProto

from opsets.conversion import convert
from parity.raising import raise_to_9
from tests.opsets.comparing import (
    Array,
    assert_same_numbers,
    assert_step,
    noise,
    parse,
    run_onnxruntime,
    run_openvino,
    step,
    text_of,
)
from tests.opsets.shapes import Shape, in_brackets, shapes


def test_selu_has_fewer_digits_below_6() -> None:
    assert_step(
        6,
        "g (float[2,3] x) => (float[2,3] z) { z = Selu(x) }",
        """g (float[2,3] x) => (float[2,3] z) {
            z = Selu<alpha=1.6732632, gamma=1.050701>(x)
        }""",
    )


def test_selu_keeps_what_is_given() -> None:
    assert_step(
        6,
        "g (float[2,3] x) => (float[2,3] z) { z = Selu<alpha=2.0>(x) }",
        """g (float[2,3] x) => (float[2,3] z) {
            z = Selu<alpha=2.0, gamma=1.050701>(x)
        }""",
    )


OPERATORS = ("Abs", "Add", "Div", "Mul", "Neg", "Sub")
EXACT: dict[str, Callable[..., Array]] = {
    "Abs": abs,
    "Add": np.add,
    "Div": lambda a, b: np.trunc(a / b) if a.dtype.kind == "i" else a / b,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Sub": np.subtract,
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_floats_stay(operator: str) -> None:
    operands = "x" if operator in ("Abs", "Neg") else "x, y"
    text = f"""g (float[2] x, float[2] y) => (float[2] z)
    {{ u = Add(x, y) v = {operator}({operands}) z = Add(u, v) }}"""
    assert_step(6, text, text)


def run_raised(model: ModelProto, inputs: dict[str, Array]) -> Array:
    """What onnxruntime computes of ``model`` at opset 9: OpenVINO does not know the Cast below 6."""
    raised = ModelProto()
    raised.CopyFrom(model)
    raise_to_9(raised)
    return run_onnxruntime(raised, inputs)[0]


def test_integers_are_cast_to_doubles_and_back() -> None:
    model = parse(6, "g (int64[2,3] x, int64[3] y) => (int64[2,3] z) { z = Sub<broadcast=1>(x, y) }")
    lowered = convert(model, 6, 5)
    expected = parse(
        5,
        """g (int64[2,3] x, int64[3] y) => (int64[2,3] z) {
            z_Cast = Cast<to="DOUBLE">(x)
            z_Cast_1 = Cast<to="DOUBLE">(y)
            z_Sub = Sub<broadcast=1>(z_Cast, z_Cast_1)
            z = Cast<to="INT64">(z_Sub)
        }""",
    )
    assert text_of(lowered.model) == text_of(expected)
    assert lowered.bounds == ("Sub of integers below 6: exact up to 2**53",)


@pytest.mark.parametrize("kind", ["int32", "int64"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_integers_keep_their_numbers(operator: str, kind: str) -> None:
    operands = "x" if operator in ("Abs", "Neg") else "x, y"
    model = parse(6, f"g ({kind}[8] x, {kind}[8] y) => ({kind}[8] z) {{ z = {operator}({operands}) }}")
    x = np.array([7, -7, 7, -7, 6, 2**30, 2**31 - 1, 0], dtype=kind)
    y = np.array([3, 3, -3, -3, 3, -1, -1 if operator in ("Add", "Mul") else 1, 5], dtype=kind)
    expected = EXACT[operator](*((x,) if operands == "x" else (x, y)))
    np.testing.assert_array_equal(run_raised(convert(model, 6, 5).model, {"x": x, "y": y}), expected)


def test_selu_has_the_same_numbers_at_3() -> None:
    model = parse(6, "g (float[3] x) => (float[3] z) { z = Selu(x) }")
    numbers = {"x": np.array([-1, 0.5, 2], dtype=np.float32)}
    expected = 1.0507010221481323 * np.where(
        numbers["x"] > 0, numbers["x"], 1.6732631921768188 * np.expm1(numbers["x"])
    )
    np.testing.assert_allclose(run_openvino(convert(model, 6, 3).model, numbers)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("operator", OPERATORS)
@given(
    shape=shapes(least=1),
    kind=st.sampled_from(["int32", "int64", "float"]),
    missing=st.integers(0, 3),
    said=st.booleans(),
    data=st.data(),
)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_shape_and_type_gives_the_same(
    operator: str, shape: Shape, kind: str, missing: int, said: bool, data: st.DataObject
) -> None:
    """The second operand of fewer axes, as ``broadcast`` says; integers are divided towards 0."""
    second = shape.lengths[missing:]
    alone = operator in ("Abs", "Neg")
    dims = shape.text if len(second) == len(shape.lengths) else f"{list(second)}" if second else ""
    attribute = "<broadcast=1>" if not alone and (missing or said) else ""
    model = parse(
        6,
        f"""g ({kind}{shape.text} x{"" if alone else f", {kind}{dims} y"}) => ({kind}{shape.text} z)
        {{ z = {operator}{attribute}({"x" if alone else "x, y"}) }}""",
    )
    numbers = st.integers(-(2**15), 2**15)
    made = [
        data.draw(arrays("float32" if kind == "float" else kind, lengths, elements=elements), label=name)
        for name, lengths, elements in (("x", shape.lengths, numbers), ("y", second, numbers.filter(bool)))
    ]
    inputs = dict(zip("x" if alone else "xy", made, strict=False))
    below = step(model)
    assert ("Cast" in {node.op_type for node in below.graph.node}) == (kind != "float")
    x, y = made
    expected = EXACT[operator](x) if alone else EXACT[operator](x, y)
    np.testing.assert_allclose(run_raised(below, inputs), expected, rtol=1e-6)


@given(shapes(least=1), st.sampled_from([None, 0.5, 2.0]), st.sampled_from([None, 0.5, 2.0]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_selu_of_any_shape(shape: Shape, alpha: float | None, gamma: float | None) -> None:
    """Either attribute is left out, or given."""
    given_ = [f"{name}={value}" for name, value in (("alpha", alpha), ("gamma", gamma)) if value is not None]
    model = parse(
        6, f"g (float{shape.text} x) => (float{shape.text} z) {{ z = Selu{in_brackets(given_)}(x) }}"
    )
    assert_same_numbers(model, step(model), {"x": noise(shape.lengths)})
