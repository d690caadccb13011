"""AffineGrid as its points times the matrices."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, parse, step


@given(lengths=st.lists(st.integers(1, 4), min_size=2, max_size=3), aligned=st.integers(0, 1))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_size(lengths: list[int], aligned: int) -> None:
    axes = len(lengths)
    if aligned:
        lengths = [length + 1 for length in lengths]  # a single point has no two ends
    shape, size = ",".join(map(str, lengths)), ",".join(map(str, [2, 3, *lengths]))
    model = parse(
        20,
        f"""g (float[2,{axes},{axes + 1}] t) => (float[2,{shape},{axes}] y)
        <int64[{axes + 2}] n = {{{size}}}> {{ y = AffineGrid<align_corners={aligned}>(t, n) }}""",
    )
    assert_same_numbers(model, step(model), tolerance=1e-5)
    assert_same_numbers(model, retarget(model, 9), tolerance=1e-5)


def test_the_graph() -> None:
    text = "g (float[1,2,3] t) => (float[1,2,2,2] y) <int64[4] n = {1,1,2,2}> { y = AffineGrid(t, n) }"
    assert [node.op_type for node in step(parse(20, text)).graph.node] == ["Transpose", "MatMul", "Reshape"]


def test_a_size_that_is_not_fixed_is_refused() -> None:
    model = parse(20, "g (float[1,2,3] t, int64[4] n) => (float[1,H,W,2] y) { y = AffineGrid(t, n) }")
    with pytest.raises(RetargetError, match=r"AffineGrid .*20 to 19: the size of its grid is not fixed"):
        step(model)
