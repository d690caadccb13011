"""Optional values, which nothing older can say, and tensors taken for them."""

from __future__ import annotations

import pytest

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, parse, step


def test_optional_values_are_refused_with_the_reason() -> None:
    model = parse(
        15,
        """g (float[2] x) => (float[2] y) {
            o = Optional(x)
            y = OptionalGetElement(o)
        }""",
    )
    with pytest.raises(
        RetargetError, match=r"Optional .*'o'.*15 to 14: there are no values of optional type"
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
    with pytest.raises(RetargetError, match=r"Optional\w+ .*15 to 14: there are no values of optional type"):
        step(model)
