"""ConstantOfShape: one element, expanded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step


def test_one_element_is_expanded() -> None:
    assert_step(
        9,
        "g (float[N,2] x) => (int64[N,2] z) { s = Shape(x) z = ConstantOfShape<value=int64[1] {7}>(s) }",
        """g (float[N,2] x, int64[1] z_element = {7}) => (int64[N,2] z)
        {
            s = Shape(x)
            z = Expand(z_element, s)
        }""",
    )


def test_the_default_is_zero() -> None:
    assert_step(
        9,
        "g (float[N,2] x) => (float[N,2] z) { s = Shape(x) y = ConstantOfShape(s) z = Add(x, y) }",
        """g (float[N,2] x, float[1] y_element = {0}) => (float[N,2] z)
        {
            s = Shape(x)
            y = Expand(y_element, s)
            z = Add(x, y)
        }""",
    )


@given(st.integers(1, 4), st.sampled_from(["float", "int64", "bool"]), st.integers(0, 1))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_value_gives_the_same(length: int, kind: str, value: int) -> None:
    model = parse(
        9,
        f"""g (float[N,{length}] x) => ({kind}[N,{length}] z) {{
            s = Shape(x) z = ConstantOfShape<value={kind}[1] {{{value}}}>(s)
        }}""",
    )
    assert_same_numbers(model, step(step(model)), zeros=True)
