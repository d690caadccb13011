"""MatMul of integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, noise, parse, run, step, text_of


@pytest.mark.parametrize("kind", ["int32", "int64", "uint32", "uint64"])
def test_integers_are_multiplied_as_doubles(kind: str) -> None:
    model = parse(9, f"g ({kind}[2,3] x, {kind}[3,4] w) => ({kind}[2,4] y) {{ y = MatMul(x, w) }}")
    lowered = convert(model, 9, 8)
    assert [node.op_type for node in lowered.model.graph.node] == ["Cast", "Cast", "MatMul", "Cast"]
    assert lowered.bounds == ("MatMul of integers below 9: exact while every sum stays below 2**53",)
    x, w = noise((2, 3), kind, 1), noise((3, 4), kind, 2)
    (result,) = run(lowered.model, {"x": x, "w": w})
    assert result.dtype == kind
    np.testing.assert_array_equal(result, x @ w)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    batch=st.lists(st.integers(1, 3), max_size=2),
    shared=st.booleans(),
    sizes=st.tuples(*[st.integers(1, 4)] * 3),
    target=st.sampled_from([8, 3]),
)
def test_floats_stay_as_they_are(
    batch: list[int], shared: bool, sizes: tuple[int, int, int], target: int
) -> None:
    rows, inner, columns = sizes
    first, second = [*batch, rows, inner], [*([] if shared else batch), inner, columns]
    model = parse(
        9,
        f"""g (float{first} x, float{second} w) => (float{[*batch, rows, columns]} y)
        {{ y = MatMul(x, w) }}""",
    )
    assert text_of(step(model)) == text_of(model)
    assert_same_numbers(model, convert(model, 9, target).model, tolerance=2e-6)
