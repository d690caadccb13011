"""Pad: of some axes as of all, and pads as attributes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, step
from tests.opsets.shapes import Shape, in_brackets, shapes


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_pads_of_some_axes_become_pads_of_all(mode: str) -> None:
    assert_step(
        18,
        f"""g (float[N,4,5] x) => (float[N,7,9] y) <int64[2] a = {{1,-1}}, int64[4] p = {{1,2,2,2}}> {{
            y = Pad<mode="{mode}">(x, p, , a)
        }}""",
        f"""g (float[N,4,5] x) => (float[N,7,9] y) <int64[6] y_pads = {{0,1,2,0,2,2}}> {{
            y = Pad<mode="{mode}">(x, y_pads)
        }}""",
    )


def test_the_value_stays() -> None:
    assert_step(
        18,
        """g (float[N,4] x) => (float[N,7] y) <int64[1] a = {1}, int64[2] p = {1,2}, float v = {3.5}> {
            y = Pad(x, p, v, a)
        }""",
        """g (float[N,4] x) => (float[N,7] y) <float v = {3.5}, int64[4] y_pads = {0,1,0,2}> {
            y = Pad(x, y_pads, v)
        }""",
    )


def test_pads_of_all_axes_stay_as_they_are() -> None:
    text = """g (float[N,4] x) => (float[A,B] y) <int64[4] p = {1,2,0,-1}, float v = {3.5}> {
        y = Pad(x, p, v)
    }"""
    assert_step(18, text, text)


def test_axes_computed_at_run_time_are_refused() -> None:
    model = parse(
        18,
        "g (float[2,4] x, int64[1] a) => (float[A,B] y) <int64[2] p = {1,1}> { y = Pad(x, p, , a) }",
    )
    with pytest.raises(RetargetError, match=r"Pad .*18 to 17: its axes \(a\) are computed at run time"):
        step(model)


def test_constant_pads_and_value_become_attributes() -> None:
    assert_step(
        11,
        """g (float[N,4] x) => (float[N,7] y)
        <int64[4] p = {0,1,0,2}, float v = {3.5}>
        {
            y = Pad(x, p, v)
        }""",
        """g (float[N,4] x) => (float[N,7] y)
        {
            y = Pad<mode="constant", pads=[0, 1, 0, 2], value=3.5>(x)
        }""",
    )


def test_the_value_is_zero_by_default() -> None:
    assert_step(
        11,
        "g (float[N,4] x) => (float[N,5] y) <int64[4] p = {0,1,0,0}> { y = Pad(x, p) }",
        """g (float[N,4] x) => (float[N,5] y)
        {
            y = Pad<mode="constant", pads=[0, 1, 0, 0], value=0.0>(x)
        }""",
    )


def test_a_mode_stays() -> None:
    assert_step(
        11,
        """g (float[N,4] x) => (float[N,5] y) <int64[4] p = {0,1,0,0}> { y = Pad<mode="reflect">(x, p) }""",
        """g (float[N,4] x) => (float[N,5] y) { y = Pad<mode="reflect", pads=[0, 1, 0, 0]>(x) }""",
    )


def test_negative_pads_are_sliced_off() -> None:
    assert_step(
        11,
        "g (float[N,4,5] x) => (float[N,2,5] y) <int64[6] p = {0,-2,1,0,0,-1}> { y = Pad(x, p) }",
        """g (float[N,4,5] x) => (float[N,2,5] y)
        <int64[1] y_starts = {2},
        int64[1] y_ends = {2147483647},
        int64[1] y_axes = {1},
        int64[1] y_starts_1 = {0},
        int64[1] y_ends_1 = {-1},
        int64[1] y_axes_1 = {2}>
        {
            y_Pad = Pad<mode="constant", pads=[0, 0, 1, 0, 0, 0], value=0.0>(x)
            y_Slice = Slice(y_Pad, y_starts, y_ends, y_axes)
            y = Slice(y_Slice, y_starts_1, y_ends_1, y_axes_1)
        }""",
    )


def test_integers_are_padded_as_doubles() -> None:
    assert_step(
        11,
        """g (int32[N,2] x) => (int32[N,3] y)
        <int64[4] p = {0,0,0,1}, int32 v = {7}>
        {
            y = Pad(x, p, v)
        }""",
        """g (int32[N,2] x) => (int32[N,3] y)
        {
            y_Cast = Cast<to=11>(x)
            y_Pad = Pad<mode="constant", pads=[0, 0, 0, 1], value=7.0>(y_Cast)
            y = Cast<to=6>(y_Pad)
        }""",
    )


def test_pads_of_nothing_go() -> None:
    assert_step(
        11,
        "g (float[N,2] x) => (float[N,2] y) <int64[4] p = {0,0,0,0}> { y = Pad(x, p) }",
        "g (float[N,2] x) => (float[N,2] y) { y = Identity(x) }",
    )


def test_pads_computed_at_run_time_are_refused() -> None:
    model = parse(11, "g (float[2,2] x, int64[4] p) => (float[A,B] y) { y = Pad(x, p) }")
    with pytest.raises(RetargetError, match=r"Pad .*11 to 10: its pads \(p\) are computed at run time"):
        step(model)


@given(
    st.lists(st.integers(-2, 2), min_size=4, max_size=4),
    st.sampled_from(["constant", "edge", "reflect"]),
    st.sampled_from(["float", "int64", "int32", "double"]),
    st.sampled_from([None, 0, 3]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_pads_give_the_same(pads: list[int], mode: str, kind: str, value: int | None) -> None:
    fixed, more = (
        (f", {kind} v = {{{value}}}", ", v") if value is not None and mode == "constant" else ("", "")
    )
    model = parse(
        11,
        f"""g ({kind}[5,5] x) => ({kind}[A,B] y) <int64[4] p = {{{",".join(map(str, pads))}}}{fixed}> {{
            y = Pad<mode="{mode}">(x, p{more})
        }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise((5, 5), "float32" if kind == "float" else kind)})


def test_what_wraps_around_is_picked_axis_by_axis() -> None:
    assert_step(
        19,
        """g (float[N,4,3] x) => (float[N,7,5] y) <int64[6] pads = {0,2,1,0,1,1}>
        { y = Pad<mode="wrap">(x, pads) }""",
        """g (float[N,4,3] x) => (float[N,7,5] y)
        <int64[7] y_wrapped = {2,3,0,1,2,3,0}, int64[5] y_wrapped_1 = {2,0,1,2,0}> {
            y_Gather = Gather<axis=1>(x, y_wrapped)
            y = Gather<axis=2>(y_Gather, y_wrapped_1)
        }""",
    )


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_other_modes_stay_as_they_are_at_19(mode: str) -> None:
    text = f"""g (float[N,4] x) => (float[N,6] y) <int64[4] pads = {{0,1,0,1}}>
        {{ y = Pad<mode="{mode}">(x, pads) }}"""
    assert_step(19, text, text)


def test_wrapping_of_nothing_goes() -> None:
    assert_step(
        19,
        """g (float[N,4] x) => (float[N,4] y) <int64[4] pads = {0,0,0,0}>
        { a = Neg(x) b = Pad<mode="wrap">(a, pads) y = Abs(b) }""",
        "g (float[N,4] x) => (float[N,4] y) { a = Neg(x) y = Abs(a) }",
    )


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ('y = Pad<mode="wrap">(x, p)', r"its pads \(p\) are computed at run time"),
        ('y = Pad<mode="wrap">(x, first, , a)', r"its axes \(a\) are computed at run time"),
        ('y = Pad<mode="wrap">(x, first)', r"axis 0 of x"),
    ],
)
def test_what_wraps_by_open_numbers_is_refused(nodes: str, reason: str) -> None:
    model = parse(
        19,
        f"""g (float[N,4] x, int64[4] p, int64[2] a) => (float[A,B] y) <int64[4] first = {{1,0,1,0}}>
        {{ {nodes} }}""",
    )
    with pytest.raises(RetargetError, match=rf"Pad .*19 to 18: .*{reason}"):
        step(model)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(0, 9), min_size=6, max_size=6),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_wrapping_gives_the_same(shape: list[int], wide: list[int], some: bool) -> None:
    """Several times around, too; the numbers are numpy's, as runtimes differ there."""
    rank = len(shape)
    over = [rank - 1] if some else list(range(rank))
    begin, end = wide[: len(over)], wide[3 : 3 + len(over)]
    pads = {axis: (before, after) for axis, before, after in zip(over, begin, end, strict=True)}
    axes = ", , axes) }" if some else ") }"
    left = [n + sum(pads.get(axis, (0, 0))) for axis, n in enumerate(shape)]
    model = parse(
        19,
        f"""g (float{shape} x) => (float{left} y) <
            int64[{2 * len(over)}] pads = {{{",".join(map(str, begin + end))}}}, int64[1] axes = {{-1}}
        > {{ y = Pad<mode="wrap">(x, pads{axes}""",
    )
    x = noise(tuple(shape))
    expected = np.pad(x, [pads.get(axis, (0, 0)) for axis in range(rank)], mode="wrap")
    np.testing.assert_array_equal(run(step(model), {"x": x})[0], expected)


@given(
    shapes(least=1),
    st.lists(st.integers(0, 2), min_size=6, max_size=6),
    st.sampled_from([None, "constant", "edge", "reflect"]),
    st.none() | st.integers(-3, 3),
    st.data(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_axes_give_the_same_below_18(
    shape: Shape, wide: list[int], mode: str | None, value: int | None, data: st.DataObject
) -> None:
    """Negative axes, in any order; all of them and zeros where nothing is said."""
    rank = len(shape.lengths)
    places = data.draw(st.none() | st.lists(st.integers(-rank, rank - 1), unique_by=lambda axis: axis % rank))
    over = list(range(rank)) if places is None else places
    limit = [shape.lengths[axis] - 1 if mode == "reflect" else 2 for axis in over]
    pads = [min(pair) for pair in zip(wide[: len(over)] + wide[3 : 3 + len(over)], limit * 2, strict=True)]
    constants = [f"int64[{len(pads)}] p = {{{','.join(map(str, pads))}}}"]
    constants += [f"float v = {{{value}}}"] if value is not None else []
    constants += [f"int64[{len(over)}] a = {{{','.join(map(str, over))}}}"] if places is not None else []
    names = f"x, p, {'' if value is None else 'v'}, {'' if places is None else 'a'}".rstrip(", ")
    model = parse(
        18,
        f"""g (float{shape.text} x) => (float[{",".join("ABC"[:rank])}] y) {in_brackets(constants)}
        {{ y = Pad{in_brackets([f'mode="{mode}"'] if mode else [])}({names}) }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise(shape.lengths)})


POOLED = """g (float[N,2,5,6] x) => (float[N,2,A,B] z)
<int64[8] p = {{0,0,0,1,0,0,1,0}}, float lowest = {{{value}}}> {{
    a = Pad(x, p, lowest) z = MaxPool<{pool}>(a)
}}"""


def test_the_lowest_around_a_pool_is_its_padding() -> None:
    """As OpenVINO reads no infinite attribute."""
    assert_step(
        11,
        POOLED.format(value="-inf", pool="kernel_shape=[3,3], strides=[2,2], pads=[0,1,0,1]"),
        """g (float[N,2,5,6] x) => (float[N,2,A,B] z) {
            z = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[0,2,1,1]>(x)
        }""",
    )


@pytest.mark.parametrize(
    ("value", "pool"),
    [
        ("-inf", "kernel_shape=[3,1]"),  # there would be windows in nothing but padding
        ("-inf", "kernel_shape=[3,3], ceil_mode=1"),
        ("-inf", 'kernel_shape=[3,3], auto_pad="SAME_UPPER"'),
        ("0", "kernel_shape=[3,3]"),
    ],
)
def test_other_windows_stay_as_they_are(value: str, pool: str) -> None:
    lowered = step(parse(11, POOLED.format(value=value, pool=pool)))
    assert [node.op_type for node in lowered.graph.node] == ["Pad", "MaxPool"]


def test_what_is_read_by_others_stays_as_it_is() -> None:
    text = POOLED.format(value="-inf", pool="kernel_shape=[3,3]").replace("z = Max", "b = Max")
    lowered = step(parse(11, text.replace("}\n}", "").replace("(a)", "(a) z = Relu(a)")))
    assert "Pad" in {node.op_type for node in lowered.graph.node}
