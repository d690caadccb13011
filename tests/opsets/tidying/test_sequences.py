"""Sequences of a known number of tensors become the tensors; others stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, constants_of, noise, parse, run, text_of
from tests.opsets.simplifying import assert_simplified, operators, simplified

QUICK = settings(max_examples=25, deadline=None, derandomize=True)


def assert_no_sequence(opset: int, text: str, shape: tuple[int, ...] | None = None) -> None:
    """No sequence is left, the numbers are the same, and a second time nothing changes."""
    result = simplified(opset, text)
    assert not [name for name in operators(result) if "equence" in name], operators(result)
    assert_same_numbers(parse(opset, text), result, {"x": noise(shape)} if shape else None)
    again = retarget(simplified(opset, text), min(opset, 12))
    assert retarget(again, min(opset, 12)) == again


def test_a_sequence_is_built_and_taken_apart() -> None:
    assert_simplified(
        17,
        """g (float[N,3] x) => (float[M,3] y, int64 n) <int64 first = {0}, int64 last = {-1}> {
            e = SequenceEmpty() a = Neg(x) b = Abs(x)
            s = SequenceInsert(e, x) t = SequenceInsert(s, a) u = SequenceInsert(t, b, first)
            v = SequenceErase(u, last) n = SequenceLength(v)
            f = SequenceAt(v, first) h = SequenceAt(v, last) w = SequenceConstruct(f, h, f)
            y = ConcatFromSequence<axis=0>(w)
        }""",
        """g (float[N,3] x) => (float[M,3] y, int64 n) <int64 n_length = {2}>
        { b = Abs(x) n = Identity(n_length) y = Concat<axis=0>(b, x, b) }""",
    )


@pytest.mark.parametrize(
    ("opset", "concat"),
    [
        (
            12,
            """{ s_Split_0, s_Split_1 = Split<axis=1, split=[2,1]>(x)
                a = Neg(s_Split_1) y_Unsqueeze = Unsqueeze<axes=[2]>(a) y_Unsqueeze_1 = Unsqueeze<axes=[2]>(a)
                y = Concat<axis=2>(y_Unsqueeze, y_Unsqueeze_1) }""",
        ),
        (
            18,
            """<int64[2] s_split = {2,1}, int64[1] y_axes = {2}, int64[1] y_axes_1 = {2}>
            { s_Split_0, s_Split_1 = Split<axis=1>(x, s_split)
                a = Neg(s_Split_1)
                y_Unsqueeze = Unsqueeze(a, y_axes) y_Unsqueeze_1 = Unsqueeze(a, y_axes_1)
                y = Concat<axis=2>(y_Unsqueeze, y_Unsqueeze_1) }""",
        ),
    ],
)
def test_the_forms_are_those_of_the_opset(opset: int, concat: str) -> None:
    assert_simplified(
        opset,
        """g (float[N,3] x) => (float[N,1,2] y) <int64[2] sizes = {2,1}, int64 second = {1}> {
            s = SplitToSequence<axis=1>(x, sizes) p = SequenceAt(s, second) a = Neg(p)
            t = SequenceConstruct(a, a) y = ConcatFromSequence<axis=2, new_axis=1>(t)
        }""",
        f"g (float[N,3] x) => (float[N,1,2] y) {concat}",
    )


@QUICK
@given(
    opset=st.sampled_from((11, 12, 13, 17, 18, 21)),
    axis=st.integers(-2, 1),
    length=st.integers(1, 6),
    split=st.one_of(st.none(), st.integers(1, 4), st.lists(st.integers(1, 3), min_size=1, max_size=3)),
    keep=st.booleans(),
    position=st.integers(-6, 5),
)
def test_a_tensor_is_split(
    opset: int, axis: int, length: int, split: int | list[int] | None, keep: bool, position: int
) -> None:
    """With sizes all runtimes keep the axis; with one size they differ where it is not to be kept."""
    keep = keep or isinstance(split, int)
    if isinstance(split, list):
        length = sum(split)
    count = len(split) if isinstance(split, list) else -(-length // (split or 1))
    assume(-count <= position < count)
    shape = ("2", str(length)) if axis % 2 else (str(length), "2")
    sizes, given_sizes = "", ""
    if isinstance(split, int):
        sizes, given_sizes = f", int64 sizes = {{{split}}}", ", sizes"
    elif split:
        sizes = f", int64[{len(split)}] sizes = {{{','.join(map(str, split))}}}"
        given_sizes = ", sizes"
    result = "float[A]" if split is None and not keep else "float[A,B]"
    assert_no_sequence(
        opset,
        f"""g (float[{",".join(shape)}] x) => ({result} y, int64 n) <int64 i = {{{position}}}{sizes}> {{
            s = SplitToSequence<axis={axis}, keepdims={int(keep)}>(x{given_sizes})
            p = SequenceAt(s, i) y = Neg(p) n = SequenceLength(s)
        }}""",
    )


@QUICK
@given(
    edits=st.lists(st.tuples(st.booleans(), st.one_of(st.none(), st.integers(-4, 4))), max_size=5),
    axis=st.integers(-2, 1),
    new=st.booleans(),
    opset=st.sampled_from((11, 13, 17)),
)
def test_tensors_come_and_go(edits: list[tuple[bool, int | None]], axis: int, new: bool, opset: int) -> None:
    count, lines, constants = 1, ["a = Neg(x) s0 = SequenceConstruct(x)"], []
    for step, (comes, position) in enumerate(edits):
        last = count if comes else count - 1
        assume(position is None or -count <= position <= last)
        assume(comes or count > 1)
        where = "" if position is None else f", i{step}"
        if position is not None:
            constants.append(f"int64 i{step} = {{{position}}}")
        tensor = f"v{step} = Mul(a, f{step})" if comes else ""
        constants.append(f"float f{step} = {{{step + 2}}}")
        edit = f"SequenceInsert(s{step}, v{step}{where})" if comes else f"SequenceErase(s{step}{where})"
        lines.append(f"{tensor} s{step + 1} = {edit}")
        count += 1 if comes else -1
    rank = "float[A,B,C]" if new else "float[A,B]"
    assert_no_sequence(
        opset,
        f"""g (float[2,3] x) => ({rank} y) {f"<{', '.join(constants)}>" if constants else ""} {{
            {" ".join(lines)}
            j = ConcatFromSequence<axis={axis}, new_axis={int(new)}>(s{len(edits)}) y = Abs(j)
        }}""",
    )


def test_a_graph_over_a_sequence_is_repeated_for_each_tensor() -> None:
    assert_simplified(
        17,
        """g (float[N,3] x) => (float[N,6] y, float[M,3] z) {
            a = Neg(x) s = SequenceConstruct(x, a)
            t, u = SequenceMap <
                body = each (float[A,3] one, float[B,3] same) => (float[A,3] two, float[C,3] three)
                { r = Add(one, same) two = Exp(r) three = Concat<axis=0>(r, x) }
            > (s, a)
            y = ConcatFromSequence<axis=1>(t) z = ConcatFromSequence<axis=0>(u)
        }""",
        """g (float[N,3] x) => (float[N,6] y, float[M,3] z) {
            a = Neg(x)
            r_1 = Add(x, a) two_1 = Exp(r_1) three_1 = Concat<axis=0>(r_1, x)
            r_2 = Add(a, a) two_2 = Exp(r_2) three_2 = Concat<axis=0>(r_2, x)
            y = Concat<axis=1>(two_1, two_2) z = Concat<axis=0>(three_1, three_2)
        }""",
    )


@QUICK
@given(
    count=st.integers(1, 4),
    others=st.integers(0, 2),
    whole=st.booleans(),
    first=st.booleans(),
    position=st.integers(-4, 3),
)
def test_a_graph_over_sequences_of_any_length(
    count: int, others: int, whole: bool, first: bool, position: int
) -> None:
    """Bodies take more sequences or tensors, choose by branches, and may hand on what they are given."""
    assume(-count <= position < count)
    more = "".join(f", float[A,B] b{index}" for index in range(others))
    given_more = ", x" * others if whole else ", t" * others
    added = " ".join(f"k{index + 1} = Add(k{index}, b{index})" for index in range(others))
    assert_no_sequence(
        17,
        f"""g (float[4,{count}] x, bool c) => (float[A,B] y, float[C,D] z)
        <int64 i = {{{position}}}, float two = {{2}}> {{
            s = SplitToSequence<axis=1>(x) n = Exp(x) d = Not(c) t = SplitToSequence<axis=1>(n)
            u, v = SequenceMap <
                body = each (float[A,B] a{more}) => (float[A,B] a, float[A,B] o) {{
                    k0 = Mul(a, two) {added}
                    o = If ({"c" if first else "d"}) <
                        then_branch = yes () => (float[A,B] l) {{ l = Neg(k{others}) }},
                        else_branch = no () => (float[A,B] m) {{ h = Abs(k{others}) m = Add(h, a) }}
                    >
                }}
            > (s{given_more})
            y = SequenceAt(u, i) z = ConcatFromSequence<axis=0>(v)
        }}""",
    )


def test_bodies_and_branches_around_and_inside_keep_names_of_their_own() -> None:
    text = """g (float[2,3] x, int64 trips, bool c) => (float[4,3] y) {
        m = Neg(x) s = SequenceConstruct(x, m)
        y = If (c) <
            then_branch = yes () => (float[4,3] p) {
                t = SequenceMap <
                    body = each (float[2,3] a) => (float[2,3] r) {
                        go = Constant<value = bool {1}>()
                        r = Loop <
                            body = turn (int64 i, bool k, float[2,3] old) => (bool l, float[2,3] new)
                            { l = Identity(k) e = Sin(a) new = Add(old, e) }
                        > (trips, go, a)
                    }
                > (s)
                p = ConcatFromSequence<axis=0>(t)
            },
            else_branch = no () => (float[4,3] q) {
                u = SequenceErase(s) v = SequenceInsert(u, x) q = ConcatFromSequence<axis=0>(v)
            }
        >
    }"""
    result = simplified(17, text)
    branches = {attribute.name: attribute.g.node for attribute in result.graph.node[-1].attribute}
    assert [node.op_type for node in branches["then_branch"]] == ["Loop", "Loop", "Concat"]
    assert [node.op_type for node in branches["else_branch"]] == ["Concat"]
    for condition in (True, False):
        inputs = {"x": noise((2, 3)), "trips": np.array(3), "c": np.array(condition)}
        assert_same_numbers(parse(17, text), result, inputs)


def test_lengths_that_a_body_calls_alike_are_not_the_same_in_its_copies() -> None:
    text = """g (float[N,3] x, float[M,3] w) => (float[A,3] y) <int64 i = {1}, int64[1] rest = {3}> {
        s = SequenceConstruct(x, w)
        t = SequenceMap<body = each (float[L,3] a) => (float[L,3] b) { b = Neg(a) }>(s)
        p = SequenceAt(t, i) l = Shape<end=1>(x) q = Concat<axis=0>(l, rest) y = Expand(p, q)
    }"""
    result = simplified(17, text)
    assert operators(result)[:2] == ["Neg", "Shape"]
    inputs = {"x": noise((4, 3)), "w": noise((1, 3), seed=3)}
    assert_same_numbers(parse(17, text), result, inputs)


def test_a_sequence_that_leaves_the_graph_keeps_its_name() -> None:
    text = """g (float[2,3] x) => (seq(float[1,3]) s, seq(float[1,3]) t) {
        s = SplitToSequence(x)
        t = SequenceMap<body = each (float[1,3] a) => (float[1,3] b) { b = Neg(a) }>(s)
    }"""
    for result in (simplified(17, text), retarget(parse(17, text), 12)):
        assert [value.name for value in result.graph.output] == ["s", "t"]
        assert operators(result) == ["Split", "SequenceConstruct", "Neg", "Neg", "SequenceConstruct"]
        assert_same_numbers(parse(17, text), result)
    with pytest.raises(
        RetargetError,
        match=r"SequenceMap \(node 't'\), by now SequenceConstruct, opset 11 to 10: .* leave the graph",
    ):
        retarget(parse(17, text), 10)


def test_constants_fold_through_sequences() -> None:
    model = simplified(
        17,
        """g (float[N,4,4] x) => (float[N,4,2] y) <int64[2] starts = {0,1}, int64[2] ends = {4,3}> {
            each = Constant<value = int64[2] {1,1}>()
            s = SplitToSequence(starts, each) t = SplitToSequence(ends, each)
            u = SequenceMap <body = each (int64[1] a, int64[1] b) => (int64[1] d) { d = Sub(b, a) }> (s, t)
            v = ConcatFromSequence<axis=0>(u) rows = Constant<value = int64[2] {1,2}>()
            ends2 = Add(starts, v) y = Slice(x, starts, ends2, rows)
        }""",
    )
    assert operators(model) == ["Slice"]
    assert sorted(constants_of(model).values()) == [[0, 1], [1, 2], [4, 3]]


UNKNOWN = {
    "how many rows there are": "s = SplitToSequence(x) y = SequenceAt(s, zero)",
    "sizes at run time": "s = SplitToSequence(x, k) y = SequenceAt(s, zero)",
    "a position at run time": "s = SequenceConstruct(x, x) y = SequenceAt(s, i)",
    "a position that is not there": "s = SequenceConstruct(x, x) y = SequenceAt(s, three)",
    "where one goes": "s = SequenceConstruct(x, x) t = SequenceErase(s, i) y = SequenceAt(t, zero)",
    "where one comes": "s = SequenceConstruct(x, x) t = SequenceInsert(s, x, i) y = SequenceAt(t, zero)",
    "erasing what is not there": "s = SequenceConstruct(x) t = SequenceErase(s, three) y = SequenceAt(t, i)",
    "an axis that some keep": "s = SplitToSequence<axis=1, keepdims=0>(x, three) y = SequenceAt(s, zero)",
    "more than can be repeated": "r = Expand(x, many) s = SplitToSequence<axis=1>(r) y = SequenceAt(s, zero)",
}


@pytest.mark.parametrize("nodes", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_known_stays(nodes: str) -> None:
    text = f"""g (float[N,1] x, int64[2] k, int64 i) => (float[A,1] y)
    <int64 zero = {{0}}, int64 three = {{3}}, int64[2] many = {{1,1025}}> {{ {nodes} }}"""
    assert text_of(simplified(17, text)) == text_of(parse(17, text))
    with pytest.raises(RetargetError, match="11 to 10: no operator below 11 makes or takes a sequence"):
        retarget(parse(17, text), 9)


def test_a_graph_over_a_sequence_of_unknown_length_stops() -> None:
    text = """g (float[N,3] x) => (float[M,3] y) {
        s = SplitToSequence(x)
        t = SequenceMap<body = each (float[1,3] a) => (float[1,3] b) { b = Neg(a) }>(s)
        y = ConcatFromSequence<axis=0>(t)
    }"""
    assert operators(simplified(17, text)) == ["SplitToSequence", "SequenceMap", "ConcatFromSequence"]
    with pytest.raises(RetargetError, match=r"SequenceMap .*17 to 16: .* is not known"):
        retarget(parse(17, text), 12)


ASSIGNMENT = """g (float[N,4,4] x) => (float[N,4,4] y)
<int64[2] starts = {1,0}, int64[2] ends = {3,2}, int64[2] steps = {1,1}, float[4,4] mask, bool c = {0}> {
    written = If (c) <
        then_branch = none () => (float[4,4] same) { same = Identity(mask) },
        else_branch = some () => (float[4,4] filled) {
            each = Constant<value = int64[2] {1,1}>()
            s = SplitToSequence(starts, each) e = SplitToSequence(ends, each) d = SplitToSequence(steps, each)
            ranges, sizes = SequenceMap <
                body = ranged (int64[1] a, int64[1] b, int64[1] k) => (int64[L] range, int64[1] size) {
                    first = Squeeze(a) last = Squeeze(b) by = Squeeze(k) range = Range(first, last, by)
                    number = Size(range) none = Constant<value = int64[1] {0}>()
                    size = Unsqueeze(number, none)
                }
            > (s, e, d)
            shape = ConcatFromSequence<axis=0>(sizes)
            zeros = Constant<value = int64[2] {0,0}>() places = Constant<value = int64[2] {0,1}>()
            nexts = Constant<value = int64[2] {1,2}>() ends2 = Constant<value = int64[2] {2,2}>()
            z = SplitToSequence(zeros, each) p = SplitToSequence(places, each)
            q = SplitToSequence(nexts, each) f = SplitToSequence(ends2, each)
            columns = SequenceMap <
                body = repeated (
                    int64[1] za, int64[1] pa, int64[1] qa, int64[1] fa, int64[L] range2, int64[2] all
                ) => (int64[P,1] column) {
                    axis = Constant<value = int64[1] {0}>() one = Constant<value = int64[1] {1}>()
                    before = Slice(all, za, pa, axis) behind = Slice(all, qa, fa, axis)
                    inner = ReduceProd(before) outer = ReduceProd(behind)
                    left = Reshape(inner, one) right = Reshape(outer, one) times = Concat<axis=0>(left, right)
                    tall = Unsqueeze(range2, one) tiled = Tile(tall, times)
                    total = ReduceProd(all) flat = Reshape(total, one) line = Reshape(tiled, flat)
                    column = Unsqueeze(line, one)
                }
            > (z, p, q, f, ranges, shape)
            indices = ConcatFromSequence<axis=1>(columns)
            total2 = ReduceProd(shape) open = Constant<value = int64[1] {-1}>() many = Reshape(total2, open)
            five = Constant<value = float[1] {5}>() updates = Expand(five, many)
            filled = ScatterND(mask, indices, updates)
        }
    >
    y = Add(x, written)
}""".replace("float[4,4] mask,", f"float[4,4] mask = {{{','.join(map(str, range(16)))}}},")
"""As Paddle's exporter writes ``mask[1:3, 0:2] = 5``, in an If whose condition is constant."""


@pytest.mark.parametrize("target", [12, 7, 3])
def test_an_assignment_over_the_axes_goes_all_the_way_down(target: int) -> None:
    original = parse(17, ASSIGNMENT)
    lowered = retarget(original, target)
    assert not [name for name in operators(lowered) if "equence" in name or name == "If"]
    assert retarget(lowered, target) == lowered
    for batch in (1, 3):
        assert_same_numbers(original, lowered, {"x": noise((batch, 4, 4))})
    expected = np.arange(16, dtype=np.float32).reshape(4, 4)
    expected[1:3, 0:2] = 5
    [found] = run(lowered, {"x": np.zeros((2, 4, 4), np.float32)})
    np.testing.assert_array_equal(found, [expected, expected])
