"""Slice: parameters as attributes, and steps as a Gather."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_negative_axes_count_from_the_front() -> None:
    assert_step(
        11,
        """g (float[N,4] x) => (float[N,2] z)
        <int64[1] a = {1}, int64[1] b = {3}, int64[1] c = {-1}>
        {
            z = Slice(x, a, b, c)
        }""",
        """g (float[N,4] x) => (float[N,2] z)
        <int64[1] a = {1}, int64[1] b = {3}, int64[1] z_axes = {1}>
        {
            z = Slice(x, a, b, z_axes)
        }""",
    )


def test_each_axis_is_cut_by_a_slice_of_its_own() -> None:
    assert_step(
        10,
        """g (float[N,4,5] x) => (float[N,2,4] z)
        <int64[2] a = {1,-4}, int64[2] b = {3,9223372036854775807}, int64[2] c = {1,2}>
        {
            z = Slice(x, a, b, c)
        }""",
        """g (float[N,4,5] x) => (float[N,2,4] z)
        {
            z_Slice = Slice<axes=[1], starts=[1], ends=[3]>(x)
            z = Slice<axes=[2], starts=[1], ends=[5]>(z_Slice)
        }""",
    )


def test_an_open_axis_keeps_bounds_from_the_back() -> None:
    assert_step(
        10,
        """g (float[N,4] x) => (float[M,4] z)
        <int64[1] a = {1}, int64[1] b = {9223372036854775807}, int64[1] c = {0}>
        {
            z = Slice(x, a, b, c)
        }""",
        "g (float[N,4] x) => (float[M,4] z) { z = Slice<axes=[0], starts=[1], ends=[2147483647]>(x) }",
    )


def test_steps_become_places() -> None:
    assert_step(
        10,
        """g (float[N,5] x) => (float[N,3] z)
        <int64[1] a = {-1}, int64[1] b = {-9223372036854775807}, int64[1] c = {1}, int64[1] d = {-2}>
        {
            z = Slice(x, a, b, c, d)
        }""",
        """g (float[N,5] x) => (float[N,3] z)
        <int64[3] z_kept = {4,2,0}>
        {
            z = Gather<axis=1>(x, z_kept)
        }""",
    )


def test_what_cuts_nothing_goes() -> None:
    assert_step(
        10,
        """g (float[N,5] x) => (float[N,5] z)
        <int64[2] a = {0,0}, int64[2] b = {9223372036854775807,7}>
        {
            y = Slice(x, a, b)
            z = Neg(y)
        }""",
        "g (float[N,5] x) => (float[N,5] z) { z = Neg(x) }",
    )


@pytest.mark.parametrize("end", [1_000_000_000, 2**31 - 2, 2**63 - 1])
def test_an_end_that_no_axis_reaches_is_the_end(end: int) -> None:
    """As exporters write it; what is taken whole has the lengths that it had."""
    text = f"""g (float[N,4] x) => (float[N,4] y)
    <int64[1] a = {{0}}, int64[1] b = {{{end}}}, int64[1] c = {{1}}, int64[1] d = {{2}}> {{
        s = Slice(x, a, b) z = Shape(x) t = Slice(x, a, d, c) m = ReduceSum<keepdims=1>(t, c)
        e = Expand(m, z) y = Sub(s, e) }}"""
    model = parse(15, text)
    for target in (12, 9, 7, 3):
        lowered = retarget(model, target)
        assert_same_numbers(model, lowered, {"x": noise((3, 4))}, tolerance=1e-5)
        assert [node.op_type for node in lowered.graph.node].count("Slice") == 1


def test_a_start_with_a_far_end_is_said_as_the_old_form_says_it() -> None:
    assert_step(
        10,
        """g (float[N,5] x) => (float[M,5] z) <int64[1] a = {2}, int64[1] b = {1000000000}> {
            z = Slice(x, a, b) }""",
        "g (float[N,5] x) => (float[M,5] z) { z = Slice<axes=[0], starts=[2], ends=[2147483647]>(x) }",
    )


@pytest.mark.parametrize(
    ("inputs", "constants", "reason"),
    [
        (
            "float[4] x, int64[1] a",
            "<int64[1] b = {3}, int64[1] c = {0}, int64[1] d = {2}>",
            "it steps by 2 between bounds that are computed at run time",
        ),
        (
            "float[N] x",
            "<int64[1] a = {0}, int64[1] b = {9}, int64[1] c = {0}, int64[1] d = {2}>",
            "it steps by 2 along axis 0",
        ),
    ],
)
def test_what_attributes_cannot_say_is_refused(inputs: str, constants: str, reason: str) -> None:
    more = ", c, d" if "d =" in constants else ""
    model = parse(10, f"g ({inputs}) => (float[M] z) {constants} {{ z = Slice(x, a, b{more}) }}")
    with pytest.raises(RetargetError, match=f"Slice .*10 to 9: {reason}"):
        step(model)


@pytest.mark.parametrize("length", ["5", "N"])
@pytest.mark.parametrize("kind", ["int64", "int32"])
@pytest.mark.parametrize("computed", ["a", "b", "ab"])
def test_bounds_computed_at_run_time_leave_out_what_is_not_between_them(
    length: str, kind: str, computed: str
) -> None:
    bounds = [(0, 3), (-4, -1), (1, 99), (-99, 2), (2, 2), (3, 1)]
    for start, end in bounds:
        constants = {name: value for name, value in (("a", start), ("b", end)) if name not in computed}
        given_ = "".join(f", {kind}[1] {name}" for name in computed)
        fixed = ", ".join(f"{kind}[1] {name} = {{{value}}}" for name, value in constants.items())
        model = parse(
            10,
            f"""g (float[2,{length}] x{given_}) => (float[2,M] z)
            <{fixed}{", " * bool(fixed)}{kind}[1] c = {{1}}> {{
                y = Slice(x, a, b, c) z = Concat<axis=1>(x, y) }}""",
        )
        values = {"x": noise((2, 5))}
        values |= {name: np.array([{"a": start, "b": end}[name]], dtype=kind) for name in computed}
        assert_same_numbers(model, step(model), values)


def test_several_axes_are_cut_one_after_the_other() -> None:
    text = "g (float[N,3,M] x, int64[2] a, int64[2] b) => (float[A,3,B] z) <int64[2] c = {2,0}> {"
    model = parse(10, f"{text} z = Slice(x, a, b, c) }}")
    values = {"x": noise((4, 3, 5)), "a": np.array([-3, 1]), "b": np.array([5, -1])}
    assert_same_numbers(model, step(model), values)


@given(
    st.integers(-7, 7), st.integers(-7, 7), st.sampled_from([-3, -1, 1, 2]), st.integers(-2, 1), st.booleans()
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_bounds_give_the_same(start: int, end: int, stride: int, axis: int, steps: bool) -> None:
    stride = stride if steps else 1
    model = parse(
        11,
        f"""g (float[5,5] x) => (float[A,B] z)
        <int64[1] a = {{{start}}}, int64[1] b = {{{end}}}, int64[1] c = {{{axis}}}, int64[1] d = {{{stride}}}>
        {{ y = Slice(x, a, b, c{", d" if steps else ""}) z = Concat<axis={axis}>(x, y) }}""",
    )
    assert_same_numbers(model, step(step(model)), {"x": noise((5, 5))})
