"""Optional values, which nothing older can say, and tensors taken for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, noise, parse, run_onnxruntime, step
from tests.opsets.shapes import Shape, shapes


def test_optional_values_are_refused_with_the_reason() -> None:
    model = parse(
        15,
        """g (float[2] x) => (float[2] y) {
            o = Optional(x)
            y = OptionalGetElement(o)
        }""",
    )
    with pytest.raises(
        RetargetError,
        match=r"Optional .*'o'.*15 to 14: no operator below 15 makes or takes a value of optional type",
    ):
        retarget(model, 12)


def test_a_tensor_is_its_own_element() -> None:
    model = parse(
        18,
        """g (float[2] x) => (float[2] z) {
            b = OptionalHasElement(x)
            y = OptionalGetElement(x)
            f = Cast<to=1>(b)
            z = Add(y, f)
        }""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["Cast", "Add"]
    assert_same_numbers(model, lowered)


def test_what_is_left_out_is_not_there() -> None:
    model = parse(
        18,
        """g (float[2] x) => (bool[2] z) {
            b = OptionalHasElement()
            y = Not(b)
            a = Greater(x, x)
            z = Or(a, y)
        }""",
    )
    assert_same_numbers(model, step(model))


@pytest.mark.parametrize(
    ("kind", "nodes"), [("float[2]", "y = OptionalGetElement(o)"), ("bool", "y = OptionalHasElement(o)")]
)
def test_what_takes_an_optional_value_is_refused(kind: str, nodes: str) -> None:
    model = parse(15, f"g (optional(float[2]) o) => ({kind} y) {{ {nodes} }}")
    with pytest.raises(
        RetargetError,
        match=r"Optional\w+ .*15 to 14: no operator below 15 makes or takes a value of optional type",
    ):
        step(model)


@given(shapes(), st.sampled_from(["float", "int64", "bool", "seq"]), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_value_is_its_own_element(shape: Shape, kind: str, absent: bool, inner: bool) -> None:
    """Tensors of any type and sequences, taken from the input or from another node."""
    of = f"seq(float{shape.text})" if kind == "seq" else f"{kind}{shape.text}"
    result = f"float{shape.text}" if kind == "seq" else of
    take = "z = SequenceAt(y, zero)" if kind == "seq" else "z = Identity(y)"
    source = "Identity(x)" if inner else "OptionalGetElement(x)"
    given_ = "" if absent else "a"
    model = parse(
        18,
        f"""g ({of} x) => ({result} z, bool h) <int64 zero = {{0}}> {{
            a = {source}
            y = OptionalGetElement(a)
            h = OptionalHasElement({given_})
            {take}
        }}""",
    )
    below = step(model)
    assert not {node.op_type for node in below.graph.node} & {"OptionalGetElement", "OptionalHasElement"}
    x = noise(shape.lengths, {"float": "float32", "seq": "float32"}.get(kind, kind))
    inputs: dict[str, Any] = {"x": [x] if kind == "seq" else x}
    found, present = run_onnxruntime(below, inputs)
    np.testing.assert_array_equal(found, x)
    assert present.tolist() == (not absent)
