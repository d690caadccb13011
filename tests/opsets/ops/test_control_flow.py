"""If, Loop and Scan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, noise, parse, run_onnxruntime, step, text_of
from tests.opsets.shapes import Shape, shapes


@pytest.mark.parametrize("turns", [0, 3])
def test_a_loop_says_what_ranks_it_makes(turns: int) -> None:
    """Axes from the back of a state and of what is collected are counted from the front."""
    model = parse(
        13,
        """g (float[N,3] x, int64 n, bool go) => (float[A,B] y, float[C,D,E] z)
        <int64[2] ends = {-1,-2}, int64[1] flat = {-1}> {
            state, all = Loop(n, go, x) <
                body = turn (int64 i, bool c, float[N,3] s) => (bool d, float[N,3] t, float[N,3] e)
                { d = Identity(c) t = Tanh(s) e = Relu(s) }
            >
            y = Softmax<axis=-1>(state)
            lengths = Shape(all) two = Gather(lengths, ends) other = Concat<axis=0>(flat, two)
            z = Reshape(all, other)
        }""",
    )
    inputs = {"x": noise((2, 3)), "n": np.array(turns), "go": np.array(True)}
    for target in (12, 10, 9, 7):
        found = run_onnxruntime(retarget(model, target), inputs)
        for one, other in zip(found, run_onnxruntime(model, inputs), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_branches_of_one_shape_stay() -> None:
    model = parse(
        11,
        """g (float[2,3] x, bool c) => (float[2,3] z) {
            z = If (c) <
                then_branch = yes () => (float[2,3] a) { a = Neg(x) },
                else_branch = no () => (float[2,3] b) { b = Abs(x) }
            >
        }""",
    )
    lowered = step(model)
    assert text_of(lowered) == text_of(model)
    assert_same_numbers(model, lowered)


@pytest.mark.parametrize("other", ["float[1] b", "float[1,2] b"])
def test_branches_of_two_shapes_are_refused(other: str) -> None:
    cut = "Slice(x, zero, one)" if other == "float[1] b" else "Reshape(x, two)"
    model = parse(
        11,
        f"""g (float[2] x, bool c) => (float[M] z)
        <int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[2] two = {{1,2}}> {{
            z = If (c) <
                then_branch = yes () => (float[2] a) {{ a = Neg(x) }},
                else_branch = no () => ({other}) {{ b = {cut} }}
            >
        }}""",
    )
    with pytest.raises(RetargetError, match=r"If .*11 to 10: its branches give shapes"):
        step(model)


def test_negative_axes_of_scan_count_from_the_front() -> None:
    model = parse(
        11,
        """g (float[2] x, float[2,3] y) => (float[2] z, float[2,3] all) {
            z, all = Scan <
                num_scan_inputs = 1, scan_input_axes = [-1], scan_output_axes = [-1],
                body = step (float[2] a, float[2] e) => (float[2] b, float[2] d) { b = Add(a, e) d = Neg(b) }
            > (x, y)
        }""",
    )
    lowered = step(model)
    attributes = {attribute.name: list(attribute.ints) for attribute in lowered.graph.node[0].attribute}
    assert (attributes["scan_input_axes"], attributes["scan_output_axes"]) == ([1], [1])
    assert_same_numbers(model, lowered)


def test_scan_in_reverse_order_is_refused_below_9() -> None:
    model = parse(
        9,
        """g (float[2] x, float[3,2] y) => (float[2] z, float[3,2] all) {
            z, all = Scan <
                num_scan_inputs = 1, scan_output_directions = [1],
                body = step (float[2] a, float[2] e) => (float[2] b, float[2] d) { b = Add(a, e) d = Neg(b) }
            > (x, y)
        }""",
    )
    with pytest.raises(RetargetError, match=r"Scan .*9 to 8: it collects an output in reverse"):
        step(model)


@given(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1), st.booleans())
@settings(max_examples=16, deadline=None, derandomize=True)
def test_any_axes_of_scan_give_the_same(axis_in: int, axis_out: int, direction: int, named: bool) -> None:
    shape_in, shape_out = ((3, 2) if axis == 0 else (2, 3) for axis in (axis_in, axis_out))
    axes = f"scan_input_axes = [{axis_in}], scan_output_axes = [{axis_out}],"
    if not named:
        axes, shape_in, shape_out = "", (3, 2), (3, 2)
    model = parse(
        9,
        f"""g (float[2] x, float[{shape_in[0]},{shape_in[1]}] y)
        => (float[2] z, float[{shape_out[0]},{shape_out[1]}] all) {{
            z, all = Scan <
                num_scan_inputs = 1, scan_input_directions = [{direction}], {axes}
                body = step (float[2] a, float[2] e) => (float[2] b, float[2] d)
                {{ b = Add(a, e) d = Neg(b) }}
            > (x, y)
        }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise((2,)), "y": noise(shape_in, seed=3)})


@pytest.mark.parametrize("count", [0, 3])
def test_a_loop_gives_the_same_below_11(count: int) -> None:
    model = parse(
        13,
        f"""g (float[2,3] x) => (float[2,3] z, float[T,2,3] all) <int64 n = {{{count}}}, bool c = {{1}}> {{
            z, all = Loop (n, c, x) <
                body = step (int64 i, bool k, float[2,3] a) => (bool l, float[2,3] b, float[2,3] d)
                {{ l = Identity(k) b = Add(a, x) d = Concat<axis=-1>(b) }}
            >
        }}""",
    )
    lowered = model
    for _ in range(13, 9, -1):
        lowered = step(lowered)
    assert_same_numbers(model, lowered)


@given(shapes(), st.lists(st.sampled_from(["Neg", "Abs", "Relu"]), min_size=2, max_size=2), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_branches_of_one_shape_give_the_same(shape: Shape, operators: list[str], chosen: bool) -> None:
    kind = f"float{shape.text}"
    model = parse(
        11,
        f"""g ({kind} x, bool c) => ({kind} z) {{
            z = If (c) <
                then_branch = yes () => ({kind} a) {{ a = {operators[0]}(x) }},
                else_branch = no () => ({kind} b) {{ b = {operators[1]}(x) }}
            >
        }}""",
    )
    numbers = {"x": noise(shape.lengths), "c": np.asarray(chosen)}
    assert_same_numbers(model, step(model), numbers)


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(-3, 2), st.integers(-3, 2), st.booleans()
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_negative_axes_of_scan_give_the_same(
    shape: list[int], axis_in: int, axis_out: int, named: bool
) -> None:
    rank = len(shape)
    place_in, place_out = (axis % rank if named else 0 for axis in (axis_in, axis_out))
    given_ = (
        f"scan_input_axes = [{place_in - rank}], scan_output_axes = [{place_out - rank}]," if named else ""
    )
    part = [length for axis, length in enumerate(shape) if axis != place_in]
    collected = [*part[:place_out], shape[place_in], *part[place_out:]]
    state = f"float[{','.join(map(str, part))}]".replace("[]", "")
    model = parse(
        11,
        f"""g ({state} x, float{shape} y) => ({state} z, float{collected} all) {{
            z, all = Scan <
                num_scan_inputs = 1, {given_}
                body = step ({state} a, {state} e) => ({state} b, {state} d) {{ b = Add(a, e) d = Neg(b) }}
            > (x, y)
        }}""",
    )
    numbers = {"x": np.asarray(noise(tuple(part))), "y": noise(tuple(shape), seed=3)}
    assert_same_numbers(model, step(model), numbers)
