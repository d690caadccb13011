"""Reshape: without allowzero, and with its shape as an attribute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import parser

from opsets import RetargetError
from opsets.conversion import convert
from parity.raising import raise_to_9
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, step, text_of
from tests.opsets.shapes import in_brackets


@pytest.mark.parametrize("allowed", [0, 1])
def test_allowzero_goes_where_no_zero_is_asked_for(allowed: int) -> None:
    assert_step(
        14,
        f"""g (float[N,4,5] x) => (float[A,10] y) <int64[2] s = {{-1,10}}> {{
            y = Reshape<allowzero={allowed}>(x, s)
        }}""",
        "g (float[N,4,5] x) => (float[A,10] y) <int64[2] s = {-1,10}> { y = Reshape(x, s) }",
    )


def test_a_zero_that_copies_stays() -> None:
    text = "g (float[N,4,5] x) => (float[N,20] y) <int64[2] s = {0,-1}> { y = Reshape(x, s) }"
    assert_step(14, text, text)


def test_a_zero_beside_what_is_left_is_refused() -> None:
    stamp = '<ir_version: 7, opset_import: ["": 14]>'
    model = parser.parse_model(  # which the checker would not pass
        stamp + "g (float[0,4] x) => (float[A,B] y) <int64[2] s = {0,-1}> { y = Reshape<allowzero=1>(x, s) }"
    )
    with pytest.raises(RetargetError, match=r"Reshape .*14 to 13: it asks for an axis of length 0 and one"):
        step(model)


def test_a_shape_computed_at_run_time_is_refused_below_14() -> None:
    model = parse(14, "g (float[2,4] x, int64[2] s) => (float[A,B] y) { y = Reshape<allowzero=1>(x, s) }")
    with pytest.raises(RetargetError, match=r"Reshape .*14 to 13: its shape \(s\) are computed at run time"):
        step(model)


def test_an_axis_of_length_zero_leaves_no_element() -> None:
    model = parse(
        14, "g (float[0,4] x) => (float[3,0] y) <int64[2] s = {3,0}> { y = Reshape<allowzero=1>(x, s) }"
    )
    lowered = step(model)
    inputs = {"x": noise((0, 4))}
    assert run(lowered, inputs)[0].shape == run(model, inputs)[0].shape == (3, 0)


def test_a_constant_shape_becomes_an_attribute() -> None:
    assert_step(
        5,
        "g (float[N,4,5] x, int64[3] s = {0,-1,2}) => (float[N,10,2] y) { y = Reshape(x, s) }",
        "g (float[N,4,5] x) => (float[N,10,2] y) { y = Reshape<shape=[0, -1, 2]>(x) }",
    )


def test_a_shape_computed_at_run_time_is_refused_below_5() -> None:
    model = parse(5, "g (float[2,4] x, int64[2] s) => (float[A,B] y) { y = Reshape(x, s) }")
    with pytest.raises(RetargetError, match=r"Reshape .*5 to 4: its shape \(s\) is computed at run time"):
        step(model)


@pytest.mark.parametrize(
    ("kind", "before", "target", "after"),
    [
        ("int32", "[N,16]", "{-1,16,1}", "y = Unsqueeze<axes=[2]>(x)"),
        ("bool", "[N,1,16]", "{0,16}", "y = Squeeze<axes=[1]>(x)"),
        (
            "int64",
            "[1,N,4]",
            "{-1,1,4}",
            "y_Squeeze = Squeeze<axes=[0]>(x) y = Unsqueeze<axes=[1]>(y_Squeeze)",
        ),
    ],
)
def test_integers_and_bools_gain_and_lose_axes_of_length_1(
    kind: str, before: str, target: str, after: str
) -> None:
    count = target.count(",") + 1
    result = f"{kind}[{','.join('ABC'[:count])}] y"
    model = parse(
        5, f"g ({kind}{before} x, int64[{count}] t = {target}) => ({result}) {{ y = Reshape(x, t) }}"
    )
    expected = parse(4, f"g ({kind}{before} x) => ({result}) {{ {after} }}")
    assert text_of(step(model)) == text_of(expected)
    assert_same_numbers(model, step(model))


@pytest.mark.parametrize(
    ("kind", "through", "bounds"),
    [
        ("bool", "FLOAT", ()),
        ("int16", "FLOAT", ()),
        ("int32", "DOUBLE", ()),
        ("int64", "DOUBLE", ("Reshape of integers below 5: exact up to 2**53",)),
    ],
)
def test_other_shapes_of_integers_and_bools_are_floats_meanwhile(
    kind: str, through: str, bounds: tuple[str, ...]
) -> None:
    text = f"g ({kind}[N,4] x, int64[3] t = {{-1,2,2}}) => ({kind}[A,2,2] y) {{ y = Reshape(x, t) }}"
    model = parse(5, text)
    lowered = convert(model, 5, 4)
    assert text_of(lowered.model) == text_of(
        parse(
            4,
            f"""g ({kind}[N,4] x) => ({kind}[A,2,2] y) {{
                y_Cast = Cast<to="{through}">(x) y_Reshape = Reshape<shape=[0,2,2]>(y_Cast)
                y = Cast<to="{kind.upper()}">(y_Reshape) }}""",
        )
    )
    assert lowered.bounds == bounds
    raise_to_9(lowered.model)  # no runtime reads a Cast of opset 4
    assert_same_numbers(model, lowered.model, {"x": noise((3, 4), np.dtype(kind))})


@pytest.mark.parametrize(
    ("before", "after", "nodes"),
    [("[N,6,H,W]", "{2,3}", ["Unsqueeze", "Reshape"]), ("[N,2,3,H,W]", "{6}", ["Reshape", "Squeeze"])],
)
def test_axes_before_open_ones_are_split_and_joined_below_5(
    before: str, after: str, nodes: list[str]
) -> None:
    parts = after.strip("{}").split(",")
    rank = 3 + len(parts)
    text = f"""g (float{before} x, int64[{len(parts)}] p = {after})
        => (float[{",".join("ABCDE"[:rank])}] y) {{
        s = Shape(x) n = Slice<starts=[0], ends=[1]>(s) hw = Slice<starts=[-2], ends=[99]>(s)
        t = Concat<axis=0>(n, p, hw) y = Reshape(x, t) }}"""
    model = parse(5, text)
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == nodes
    for size in ((4, 5), (3, 7), (1, 1)):
        fixed = (6,) if len(parts) == 2 else (2, 3)
        inputs = {"x": noise((2, *fixed, *size))}
        assert_same_numbers(model, lowered, inputs)


@given(st.sampled_from([[24], [2, 12], [4, 3, 2], [0, -1], [-1, 4], [1, 0, -1, 1]]))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_any_shape_gives_the_same_below_5(target: list[int]) -> None:
    lengths = ",".join(f"d{axis}" for axis in range(len(target)))
    model = parse(
        5,
        f"""g (float[2,3,4] x, int64[{len(target)}] s = {{{",".join(map(str, target))}}})
        => (float[{lengths}] y) {{ y = Reshape(x, s) }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise((2, 3, 4))})


@given(
    st.permutations([1, 2, 3]),
    st.sampled_from([None, 0, 1]),
    st.booleans(),
    st.integers(0, 3),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_gives_the_same_below_14(
    target: list[int], allowed: int | None, left: bool, copied: int, empty: bool
) -> None:
    """A length is what is left, or copied, or with ``allowzero`` none where there are no elements."""
    shape = [1, 0 if empty and allowed else 2, 3]
    wanted = [shape[target[0] - 1], shape[target[1] - 1], shape[target[2] - 1]]
    if left and 0 not in shape:
        wanted[0] = -1
    if copied and not allowed and wanted[copied - 1] == shape[copied - 1]:
        wanted[copied - 1] = 0
    attribute = in_brackets([] if allowed is None else [f"allowzero={allowed}"])
    model = parse(
        14,
        f"""g (float{shape} x) => (float[A,B,C] y) <int64[3] s = {{{",".join(map(str, wanted))}}}>
        {{ y = Reshape{attribute}(x, s) }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise(tuple(shape))})


HEADS = """g (float[N,S,24] x) => (float[N,A,B,C] y) <int64[1] first = {0}, int64[1] second = {1},
    int64[1] heads = {3}, int64[1] width = {8}, int64[1] rest = {-1}> {
    lengths = Shape(x) n = Gather(lengths, first) s = Gather(lengths, second)
    to_heads = Concat<axis=0>(n, s, heads, width) split = Reshape(x, to_heads)
    turned = Transpose<perm=[0,2,1,3]>(split)
    to_rows = Concat<axis=0>(rest, s, width) rows = Reshape(turned, to_rows) a = Relu(rows)
    back = Concat<axis=0>(n, heads, s, width) y = Reshape(a, back)
}"""


def test_heads_of_attention_are_laid_beside_the_batch_and_back_below_5() -> None:
    """Two lengths are open in all of these, and each is copied from its place."""
    model = parse(5, HEADS)
    lowered = step(model)
    for size in ((2, 5), (1, 1), (3, 2)):
        assert_same_numbers(model, lowered, {"x": noise((*size, 24))})


PARTS = [(["6"], ["2", "3"]), (["2", "3"], ["6"]), (["4"], ["4"]), ([], ["1"]), (["1"], [])]


@pytest.mark.parametrize("open_axes", ["", "N", "NW", "NHW"])
@given(st.lists(st.sampled_from(PARTS), min_size=3, max_size=3))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_axes_are_split_and_joined_between_open_ones(
    open_axes: str, parts: list[tuple[list[str], list[str]]]
) -> None:
    own, wanted = ["7"], ["7"]
    for axis, (before, after) in zip("NHW", parts, strict=True):
        kept = [axis] if axis in open_axes else []
        own += [*kept, *before]
        wanted += [*kept, *after]
    slices = [
        f"p{place} = Slice<starts=[{own.index(length)}], ends=[{own.index(length) + 1}]>(s)"
        for place, length in enumerate(wanted)
        if length.isalpha()
    ]
    constants = [
        f"int64[1] p{place} = {{{length}}}" for place, length in enumerate(wanted) if length.isdigit()
    ]
    names, result = (",".join(f"{each}{place}" for place in range(len(wanted))) for each in "pr")
    model = parse(
        5,
        f"""g (float[{",".join(own)}] x) => (float[{result}] y) <{", ".join(constants)}> {{
            s = Shape(x) {" ".join(slices)} t = Concat<axis=0>({names}) y = Reshape(x, t)
        }}""",
    )
    shape = tuple({"N": 2, "H": 3, "W": 5}.get(length) or int(length) for length in own)
    assert_same_numbers(model, step(model), {"x": noise(shape)})
