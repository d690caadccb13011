"""Before the first step: what lengths and constants decide is decided, weights stay."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import checker, numpy_helper

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, noise, parse
from tests.opsets.simplifying import assert_simplified, operators, simplified

BRANCH = """{name} = If (c) <
    then_branch = yes () => (float[A,B] o) {{ t = Exp(x) o = Neg(t) }},
    else_branch = no () => (float[A,B] p) {{ p = Abs(x) }}
>"""


@pytest.mark.parametrize(("condition", "expected"), [(1, ["Exp", "Neg", "Relu"]), (0, ["Abs", "Relu"])])
def test_the_branch_that_is_taken_stands_in_the_place_of_its_if(condition: int, expected: list[str]) -> None:
    model = simplified(
        17,
        f"""g (float[N,3] x) => (float[N,3] y) <bool c = {{{condition}}}>
        {{ {BRANCH.format(name="m")} y = Relu(m) }}""",
    )
    assert operators(model) == expected
    assert not model.graph.initializer


def test_a_graph_output_keeps_its_name_when_its_if_goes() -> None:
    assert_simplified(
        17,
        f"g (float[N,3] x) => (float[N,3] y) <bool c = {{1}}> {{ {BRANCH.format(name='y')} }}",
        "g (float[N,3] x) => (float[N,3] y) { t = Exp(x) o = Neg(t) y = Identity(o) }",
    )


def test_ifs_within_ifs_go_too_and_equal_names_in_two_branches_are_told_apart() -> None:
    nested = """y = If (c) <
        then_branch = yes () => (float[A,B] o) {
            k = Not(c)
            i = If (k) <
                then_branch = inner_yes () => (float[A,B] a) { a = Exp(x) },
                else_branch = inner_no () => (float[A,B] p) { p = Sin(x) }
            >
            o = Mul(i, m)
        },
        else_branch = no () => (float[A,B] q) { q = Abs(x) }
    >"""
    text = f"g (float[N,3] x) => (float[N,3] y) <bool c = {{0}}> {{ {BRANCH.format(name='m')} {nested} }}"
    assert operators(simplified(17, text)) == ["Abs", "Identity"]  # what the other branch used is gone
    text = text.replace("c = {0}", "c = {1}")
    model = simplified(17, text)
    assert operators(model) == ["Exp", "Neg", "Sin", "Mul", "Identity"]
    assert_same_numbers(parse(17, text), model, {"x": noise((2, 3))})


def test_an_if_that_the_length_of_an_axis_decides_goes() -> None:
    """As exporters write squeeze: only where the axis has length 1."""
    text = """g (float[N,1,3] x) => (float[N,3] y) <int64[1] axis = {1}, int64[1] one = {1}> {
        s = Shape(x) l = Gather(s, axis) c = Equal(l, one)
        y = If (c) <
            then_branch = yes () => (float[A,B] a) { a = Squeeze(x, axis) },
            else_branch = no () => (float[A,B,C] b) { b = Identity(x) }
        >
    }"""
    model = simplified(17, text)
    assert operators(model) == ["Squeeze", "Identity"]
    assert_same_numbers(parse(17, text), model, {"x": noise((2, 1, 3))})


def test_an_if_that_is_decided_at_run_time_stays_and_its_lengths_are_those_of_both_branches() -> None:
    text = """g (float[N,4] x, bool c) => (float[N,D] y) {
        m = If (c) <
            then_branch = yes () => (float[N,4] a) { a = Neg(x) },
            else_branch = no () => (float[N,E] b) { b = Concat<axis=1>(x, x) }
        >
        s = Shape<end=1>(m) rest = Constant<value_ints=[-1]>() t = Concat<axis=0>(s, rest)
        y = Reshape(m, t)
    }"""
    model = simplified(17, text)
    assert operators(model) == ["If", "Reshape"]
    assert numpy_helper.to_array(model.graph.initializer[0]).tolist() == [0, -1]
    for condition in (True, False):
        fixed = {"x": noise((2, 4)), "c": np.array(condition)}
        assert_same_numbers(parse(17, text), model, fixed)


def test_a_chain_of_lengths_is_folded() -> None:
    assert_simplified(
        17,
        """g (float[N,6,4] x) => (float[N,24] y)
        <int64[1] last = {2}, int64[1] six = {6}, int64[1] open = {-1}> {
            s = Shape(x) l = Gather(s, last) w = Mul(l, six) t = Concat<axis=0>(open, w) y = Reshape(x, t)
        }""",
        "g (float[N,6,4] x) => (float[N,24] y) <int64[2] t_value = {-1,24}> { y = Reshape(x, t_value) }",
    )


WEIGHTS = "float[2,3] w = {1,2,3,4,5,6}, float[2] gain = {2,3}"


def test_weights_are_never_folded() -> None:
    text = f"""g (float[N,2] x) => (float[N,3] y) <{WEIGHTS}> {{
        column = Constant<value = int64[2] {{2,1}}>() g2 = Reshape(gain, column) scaled = Mul(w, g2)
        y = MatMul(x, scaled)
    }}"""
    model = simplified(17, text)
    assert operators(model) == ["Reshape", "Mul", "MatMul"]
    before = {tensor.name: tensor for tensor in parse(17, text).graph.initializer}
    after = {tensor.name: tensor for tensor in model.graph.initializer}
    assert {name: after[name] for name in before} == before


def test_numbers_without_axes_and_whole_numbers_are_no_weights() -> None:
    assert_simplified(
        17,
        """g (float[N,2] x) => (float[N,2] y) <float a = {2}, float b = {8}, int64[2] i = {1,0}> {
            r = Sqrt(b) c = Mul(a, r) j = Cast<to=1>(i) k = Add(j, c) y = Mul(x, k)
        }""",
        "g (float[N,2] x) => (float[N,2] y) <float[2] k_value = {6.656854,5.656854}> { y = Mul(x, k_value) }",
    )


@pytest.mark.parametrize(
    "idle",
    ["Identity(a)", "Cast<to=1>(a)", "Expand(a, one)", "Expand(a, whole)"],
)
def test_what_hands_on_its_input_goes(idle: str) -> None:
    assert_simplified(
        17,
        f"""g (float[N,3] x) => (float[N,3] y) <int64[1] one = {{1}}, int64[2] whole = {{1,3}}>
        {{ a = Neg(x) b = {idle} y = Abs(b) }}""",
        "g (float[N,3] x) => (float[N,3] y) { a = Neg(x) y = Abs(a) }",
    )


@pytest.mark.parametrize(
    "busy", ["Cast<to=11>(a)", "Expand(a, wide)", "Identity(a)"], ids=["cast", "expand", "output"]
)
def test_what_does_something_or_makes_an_output_stays(busy: str) -> None:
    kind, shape = ("double", "N,3") if "to=11" in busy else ("float", "2,N,3" if "wide" in busy else "N,3")
    text = f"g (float[N,3] x) => ({kind}[{shape}] y) <int64[3] wide = {{2,1,1}}> {{ a = Neg(x) y = {busy} }}"
    assert operators(simplified(17, text))[0] == "Neg"
    assert busy.startswith(operators(simplified(17, text))[1])


def test_a_graph_output_that_is_constant_is_handed_on() -> None:
    assert_simplified(
        17,
        """g (float[N,3] x) => (float[N,3] r, int64[1] y) <int64[1] two = {2}> {
            r = Relu(x) s = Shape<start=1>(x) y = Mul(s, two)
        }""",
        """g (float[N,3] x) => (float[N,3] r, int64[1] y) <int64[1] y_value = {6}>
        { r = Relu(x) y = Identity(y_value) }""",
    )


def test_inside_of_branches_it_is_folded_too() -> None:
    text = """g (float[N,4] x, bool c) => (float[N,4] y) {
        y = If (c) <
            then_branch = yes () => (float[N,4] a) {
                s = Shape(x) a = Reshape(x, s)
            },
            else_branch = no () => (float[N,4] b) { i = Identity(x) b = Neg(i) }
        >
    }"""
    model = simplified(17, text)
    branches = {attribute.name: attribute.g for attribute in model.graph.node[0].attribute}
    assert [node.op_type for node in branches["then_branch"].node] == ["Reshape"]
    assert [list(node.input) for node in branches["else_branch"].node] == [["x"]]
    assert [tensor.name for tensor in model.graph.initializer] == ["a_shape"]
    for condition in (True, False):
        assert_same_numbers(parse(17, text), model, {"x": noise((2, 4)), "c": np.array(condition)})


def test_nothing_changes_the_second_time() -> None:
    text = f"""g (float[N,4,6] x) => (float[N,24] y, float[N,1] z) <int64[2] ends = {{2,2}}, {WEIGHTS}> {{
        k0 = Constant<value_ints=[0]>() k1 = Constant<value_ints=[1]>() s = Shape(x) b = Slice(s, k0, k1)
        rest = Constant<value_ints=[-1]>() t = Concat<axis=0>(b, rest) y = Reshape(x, t)
        u = Concat<axis=0>(b, k1) one = Constant<value_float=1.0>() z = Expand(one, u)
    }}"""
    once = simplified(17, text)
    checker.check_model(once, full_check=True)
    twice = convert(once, 17, 17)
    assert twice.model.SerializeToString(deterministic=True) == once.SerializeToString(deterministic=True)
    assert twice.rewrites == ()


def test_the_source_is_left_as_it_is() -> None:
    model = parse(17, f"g (float[N,3] x) => (float[N,3] y) <bool c = {{1}}> {{ {BRANCH.format(name='y')} }}")
    before = onnx.ModelProto()
    before.CopyFrom(model)
    convert(model, 17, 17)
    assert model == before
