"""CastLike: a Cast to the type of the other input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, inputs_for, parse, run, step, text_of


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


@pytest.mark.parametrize(("opset", "name", "value"), [(24, "round_mode", '"down"'), (19, "saturate", "0")])
def test_what_decides_8_bit_floats_alone_is_dropped(opset: int, name: str, value: str) -> None:
    """Onnxruntime refuses the attribute for any other type."""
    model = parse(
        opset, f"g (float[2] x, int32[1] y) => (int32[2] z) {{ z = CastLike<{name}={value}>(x, y) }}"
    )
    expected = parse(opset - 1, "g (float[2] x, int32[1] y) => (int32[2] z) { z = CastLike(x, y) }")
    assert text_of(step(model)) == text_of(expected)


@pytest.mark.parametrize(("opset", "kind"), [(24, "float8e8m0"), (19, "float8e4m3fn")])
def test_8_bit_floats_are_refused(opset: int, kind: str) -> None:
    model = parse(opset, f"g (float[2] x, {kind}[1] y) => ({kind}[2] z) {{ z = CastLike(x, y) }}")
    with pytest.raises(
        RetargetError, match=rf"CastLike .*{opset} to {opset - 1}: input 1 may not be tensor\({kind}\)"
    ):
        step(model)


@given(
    st.sampled_from(["float", "int32", "uint8"]),
    st.sampled_from(["double", "int64", "float16", "bool"]),
    st.sampled_from([(24, '<round_mode="up">'), (24, "<saturate=1>"), (19, "<saturate=0>"), (19, "")]),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_types_give_the_same_from_newer_forms(kind: str, like: str, form: tuple[int, str]) -> None:
    opset, attributes = form
    model = parse(
        opset, f"g ({kind}[2,3] x, {like}[1] y) => ({like}[2,3] z) {{ z = CastLike{attributes}(x, y) }}"
    )
    numbers = {name: np.abs(array) for name, array in inputs_for(model).items()}
    expected = numbers["x"].astype(numbers["y"].dtype)
    np.testing.assert_array_equal(run(convert(model, opset, 12).model, numbers)[0], expected)
