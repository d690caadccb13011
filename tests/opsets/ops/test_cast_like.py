"""CastLike: a Cast to the type of the other input."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step


def test_the_other_type_is_written_out() -> None:
    assert_step(
        15,
        "g (float[N,2] x, int64[1] y) => (int64[N,2] z) { z = CastLike(x, y) }",
        "g (float[N,2] x, int64[1] y) => (int64[N,2] z) { z = Cast<to=7>(x) }",
    )


@given(st.sampled_from(["float", "int32", "bool"]), st.sampled_from(["double", "int64", "float16", "bool"]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_any_types_give_the_same(kind: str, like: str) -> None:
    model = parse(15, f"g ({kind}[2,3] x, {like}[1] y) => ({like}[2,3] z) {{ z = CastLike(x, y) }}")
    assert_same_numbers(model, step(model))
