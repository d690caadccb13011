"""Squeeze and Unsqueeze: axes from an input to an attribute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_axes_of_squeeze() -> None:
    assert_step(
        13,
        "g (float[N,1,4,1] x) => (float[N,4] y) <int64[2] a = {1,-1}> { y = Squeeze(x, a) }",
        "g (float[N,1,4,1] x) => (float[N,4] y) { y = Squeeze<axes=[1,-1]>(x) }",
    )


def test_squeeze_without_axes_stays_as_it_is() -> None:
    text = "g (float[2,1,4,1] x) => (float[2,4] y) { y = Squeeze(x) }"
    assert_step(13, text, text)


def test_axes_of_unsqueeze() -> None:
    assert_step(
        13,
        "g (float[N,4] x) => (float[N,1,4,1] y) <int64[2] a = {1,-1}> { y = Unsqueeze(x, a) }",
        "g (float[N,4] x) => (float[N,1,4,1] y) { y = Unsqueeze<axes=[1,-1]>(x) }",
    )


def test_axes_from_a_constant_node_serve_too() -> None:
    model = parse(
        13,
        """g (float[N,1,4] x) => (float[N,4] y) {
            a = Constant<value_ints=[1]>()
            y = Squeeze(x, a)
        }""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["Squeeze"]
    assert_same_numbers(model, lowered)


@pytest.mark.parametrize("operator", ["Squeeze", "Unsqueeze"])
def test_axes_computed_at_run_time_are_refused(operator: str) -> None:
    model = parse(13, f"g (float[1,1,4] x, int64[1] a) => (float[A,B] y) {{ y = {operator}(x, a) }}")
    with pytest.raises(RetargetError, match=rf"{operator} .*'y'.*13 to 12: its axes \(a\) are computed"):
        step(model)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_axes_give_the_same(shape: list[int], data: st.DataObject) -> None:
    rank = len(shape) + 2
    places = data.draw(st.lists(st.integers(0, rank - 1), min_size=2, max_size=2, unique=True))
    axes = [place - rank * data.draw(st.booleans()) for place in places]
    lengths, wide = ",".join(map(str, shape)), ",".join(f"d{axis}" for axis in range(rank))
    model = parse(
        13,
        f"""g (float[{lengths}] x) => (float[{wide}] z, float[{lengths}] y)
        <int64[2] a = {{{axes[0]},{axes[1]}}}> {{
            z = Unsqueeze(x, a)
            y = Squeeze(z, a)
        }}""",
    )
    lowered = model
    for _ in range(13, 10, -1):
        lowered = step(lowered)
    assert_same_numbers(model, lowered, {"x": noise(tuple(shape))})


def test_negative_axes_of_squeeze_count_from_the_front() -> None:
    assert_step(
        11,
        "g (float[N,1,4,1] x) => (float[N,4] y) { y = Squeeze<axes=[1,-1]>(x) }",
        "g (float[N,1,4,1] x) => (float[N,4] y) { y = Squeeze<axes=[1, 3]>(x) }",
    )


def test_axes_of_unsqueeze_count_from_the_front_and_stand_in_order() -> None:
    assert_step(
        11,
        "g (float[N,4] x) => (float[N,1,4,1] y) { y = Unsqueeze<axes=[-1,1]>(x) }",
        "g (float[N,4] x) => (float[N,1,4,1] y) { y = Unsqueeze<axes=[1, 3]>(x) }",
    )


def test_axes_from_the_front_stay_below_11() -> None:
    text = "g (float[N,4] x) => (float[N,1,4,1] y) { y = Unsqueeze<axes=[1,3]>(x) }"
    assert_step(11, text, text)


def test_an_axis_that_does_not_exist_is_refused() -> None:
    model = parse(13, "g (float[1,4] x) => (float[4] y) <int64[1] a = {-2}> { y = Squeeze(x, a) }")
    model.graph.initializer[0].raw_data = np.array([-3]).tobytes()
    model.graph.initializer[0].ClearField("int64_data")
    with pytest.raises(RetargetError, match=r"axis -3 does not exist: there are 2 axes"):
        retarget(model, 10)
