"""Refusals: all obstacles at once, said of the nodes that the user has, and nothing that is not so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from onnx import parser

from opsets import RetargetError, retarget
from opsets.obstacles import Obstacle, Origin, described
from tests.opsets.comparing import assert_same_numbers, noise, parse


def _refusal(opset: int, text: str, target: int) -> str:
    with pytest.raises(RetargetError) as caught:
        retarget(parse(opset, text), target)
    return str(caught.value)


def test_all_obstacles_are_told_each_kind_once() -> None:
    text = """g (float[2,3] x, int64[1] a, int64[1] b) => (float[A,B] y, float[C,D] z, int64[2,M] places) {
        [mean] y = ReduceMean(x, a) [other_mean] z = ReduceMean(x, b) [found] places = NonZero(x)
    }"""
    first = (
        "ReduceMean (node 'mean') and 1 more like it, opset 18 to 17: its axes (a) are computed at run time, "
        "not constant; it is not known to be possible below opset 18"
    )
    assert _refusal(18, text, 12) == first
    second = (
        "NonZero (node 'found'), opset 9 to 8: how many places it finds is known at run time "
        "only; it is not known to be possible below opset 9"
    )
    assert _refusal(18, text, 7) == f"2 obstacles: (1) {first}; (2) {second}"


def test_what_was_made_of_a_node_is_told_as_that_node() -> None:
    """No NonZero is in the model."""
    text = (
        "g (int64 n) => (int64[M] y) <int64 zero = {0}, int64 one = {1}> { [count] y = Range(zero, n, one) }"
    )
    message = _refusal(17, text, 8)
    assert message.startswith("Range (node 'count'), by now NonZero, opset 9 to 8: how many places")
    assert message.endswith("; it is not known to be possible below opset 9")


OPEN = "g (float[N,C] x, float[N,D] z) => (float[N,E] y) { [sum] y = Add(x, z) }"


def test_open_axes_that_are_the_reason_are_named_and_fixing_them_helps() -> None:
    """The batch may stay open, so it is not among them."""
    message = _refusal(13, OPEN, 6)
    assert message.endswith("; fixing axis 1 (C) of the input 'x', axis 1 (D) of the input 'z' would help")
    fixed = parse(13, OPEN.replace("C]", "4]").replace("D]", "4]"))
    for target in (6, 3):
        assert_same_numbers(fixed, retarget(fixed, target), {"x": noise((2, 4)), "z": noise((2, 4), seed=8)})


def test_where_fixing_axes_does_not_help_nothing_is_said_of_it() -> None:
    text = "g (float[N,H,3] x, int64[1] a) => (float[A,B,C] y) { y = ReduceMean(x, a) }"
    assert "fixing" not in _refusal(18, text, 12)


def test_a_proof_is_of_the_node_of_the_source_and_of_it_alone() -> None:
    """That our way needs an operator which ends here does not prove that there is no other."""
    proven = Obstacle(Origin("Multinomial", "draw"), "Multinomial", 7, "it draws", "draws", is_final=True)
    made = replace(proven, origin=Origin("Other", "draw"))
    assert described([proven], {}).endswith("; the lowest possible opset is 7")
    assert described([made], {}).endswith("; it is not known to be possible below opset 7")


def test_where_fixing_axes_leads_on_that_is_said() -> None:
    text = """g (float[N,H] x) => (int64[1,M] y) {
        s = Shape<start=1>(x) ones = ConstantOfShape(s) places = NonZero(ones) y = Neg(places)
    }"""
    message = _refusal(15, text, 7)
    assert message.endswith("; fixing axis 1 (H) of the input 'x' would help")
    fixed = parse(15, text.replace("N,H", "N,4"))
    assert_same_numbers(fixed, retarget(fixed, 7), {"x": noise((2, 4))})


DRAW = "Multinomial<sample_size=4, seed=1.0, dtype=6>"


@pytest.mark.parametrize(
    ("opset", "text", "target"),
    [
        (7, f"g (float[2,3] x) => (int32[2,4] y) {{ y = {DRAW}(x) }}", 6),
        (11, "g (float[N] x) => (seq(float[M]) y) { y = SplitToSequence(x) }", 10),
        (11, "g (seq(float[4]) x, int64 i) => (float[4] y) { y = SequenceAt(x, i) }", 10),
        (15, "g (float[2] x) => (optional(float[2]) y) { y = Optional(x) }", 12),
        (15, "g (optional(float[2]) x) => (float[2] y) { y = OptionalGetElement(x) }", 12),
    ],
)
def test_the_lowest_opset_is_named_where_that_is_proven(opset: int, text: str, target: int) -> None:
    """Random numbers that no other operator draws, and types that the interface needs."""
    assert _refusal(opset, text, target).endswith(f"; the lowest possible opset is {opset}")


TAKE = "s = SplitToSequence(x) y = SequenceAt(s, i)"
LOOP = f"""y = Loop<body = b (int64 n, bool c, float[4] v) => (bool d, float[M] w) {{
    d = Identity(c) {TAKE.replace("x", "v").replace("y =", "w =")}
}}>(i, "", x)"""


@pytest.mark.parametrize(
    ("opset", "text", "target"),
    [
        (15, "g (float[2,3] x) => (float[2,3] y) { y = Bernoulli<seed=1.0>(x) }", 12),
        (11, f"g (float[N] x, int64 i) => (float[M] y) {{ {TAKE} }}", 10),
        (11, f"g (float[4] x, int64 i) => (float[M] y) {{ {LOOP} }}", 10),
        (15, "g (float[2] x) => (float[2] y) { o = Optional(x) y = OptionalGetElement(o) }", 12),
        (18, "g (int32[2] x) => (int32[2] y) { y = BitwiseAnd(x, x) }", 12),
    ],
)
def test_a_way_that_is_not_known_is_not_called_impossible(opset: int, text: str, target: int) -> None:
    """What the definition says, a Loop does, or other operators of tensors might say."""
    message = _refusal(opset, text, target)
    assert "lowest possible" not in message
    assert f"it is not known to be possible below opset {opset}" in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("g (float[2] x) => (float[2] y) { y = Nope(x) }", "No Op registered for Nope"),
        ("g (float[2] x) => (float[2] y) { y = Softmax<axis=3>(x) }", "axis"),
        ("g (float[2] x, float[3] z) => (float[2] y) { a = Neg(x) y = Add(a, z) }", "Add"),
        ("g (float[2] x) => (float[2] y) { y = Add(x, nowhere) }", "nowhere"),
    ],
)
def test_a_source_that_is_not_valid_is_called_so(text: str, reason: str) -> None:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": 13]> {text}')
    with pytest.raises(RetargetError, match=rf"^the source is not a valid model: .*{reason}"):
        retarget(model, 7)
