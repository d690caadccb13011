"""What depends on the data, or on types that older opsets do not have, is refused with the reason."""

from __future__ import annotations

import pytest

from opsets import RetargetError, retarget
from opsets.registry import IMPOSSIBLE
from tests.opsets.comparing import parse, step


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            11,
            "g (float[3] x) => (float[M] z) { z = Unique(x) }",
            r"Unique \(node 'z'\), opset 11 to 10: .* finds elements that are equal",
        ),
        (
            11,
            """g (float[1,2,4] b, float[1,1,2] s) => (int64[M,3] z) <int64 n = {1}> {
                z = NonMaxSuppression(b, s, n)
            }""",
            r"NonMaxSuppression \(node 'z'\), opset 10 to 9: .* one after the other",
        ),
        (
            11,
            """g (float[N] x) => (float[M] z) <int64 i = {0}> {
                s = SplitToSequence(x)
                z = SequenceAt(s, i)
            }""",
            r"SplitToSequence \(node 's'\), opset 11 to 10: no operator below 11 makes or takes a sequence",
        ),
        (
            8,
            """g (float[2] x, float[1,3,2] y) => (float[1,2] z, float[1,3,2] all) {
                s = Unsqueeze<axes=[0]>(x)
                z, all = Scan <
                    num_scan_inputs = 1,
                    body = step (float[2] a, float[2] e) => (float[2] b, float[2] d)
                    { b = Add(a, e) d = Neg(b) }
                > ("", s, y)
            }""",
            r"Scan .*opset 8 to 7: no older operator but a Loop goes through a tensor",
        ),
    ],
)
def test_it_stops_with_the_reason(opset: int, text: str, reason: str) -> None:
    model = parse(opset, text)
    with pytest.raises(RetargetError, match=reason):
        retarget(model, 3)


PROVEN = {
    "SequenceAt": (11, "g (seq(float[4]) s, int64 i) => (float[4] y) { y = SequenceAt(s, i) }"),
    "SequenceLength": (11, "g (seq(float[4]) s) => (int64 y) { y = SequenceLength(s) }"),
    "SequenceInsert": (
        11,
        "g (seq(float[4]) s, float[4] x) => (seq(float[4]) y) { y = SequenceInsert(s, x) }",
    ),
    "SequenceErase": (11, "g (seq(float[4]) s) => (seq(float[4]) y) { y = SequenceErase(s) }"),
    "SequenceEmpty": (11, "g () => (seq(float[4]) y) { y = SequenceEmpty() }"),
    "SequenceConstruct": (11, "g (float[4] x) => (seq(float[4]) y) { y = SequenceConstruct(x, x) }"),
    "SplitToSequence": (11, "g (float[N] x) => (seq(float[1]) y) { y = SplitToSequence(x) }"),
    "ConcatFromSequence": (
        11,
        "g (seq(float[4]) s) => (float[M] y) { y = ConcatFromSequence<axis=0>(s) }",
    ),
    "Optional": (15, "g (float[4] x) => (optional(float[4]) y) { y = Optional(x) }"),
    "OptionalGetElement": (15, "g (optional(float[4]) x) => (float[4] y) { y = OptionalGetElement(x) }"),
    "OptionalHasElement": (15, "g (optional(float[4]) x) => (bool y) { y = OptionalHasElement(x) }"),
}
"""Graphs of one node, which have to say it whatever their inputs are."""


def test_every_proof_has_a_graph() -> None:
    assert {(operator, opset, opset - 1) for operator, (opset, _) in PROVEN.items()} == set(IMPOSSIBLE)


@pytest.mark.parametrize("operator", PROVEN)
def test_what_nothing_older_says_for_whatever_inputs_has_a_lowest_opset(operator: str) -> None:
    opset, text = PROVEN[operator]
    with pytest.raises(RetargetError, match=f"{operator} .*; the lowest possible opset is {opset}$"):
        step(parse(opset, text))


@pytest.mark.parametrize(
    ("opset", "text"),
    [
        (15, "g (float[2] x) => (float[2] y) { o = Optional(x) y = OptionalGetElement(o) }"),
        (11, "g (float[N] x, int64 i) => (float[M] y) { s = SplitToSequence(x) y = SequenceAt(s, i) }"),
        (20, 'g (string[2] x) => (string[2] y) <string[1] e = {""}> { y = StringConcat(x, e) }'),
        (20, "g (string[0] x, string[0] z) => (string[0] y) { y = StringConcat(x, z) }"),
        (
            20,
            """g (bool c, string[2] x, string[2] z) => (string[2] y) {
                y = If<then_branch = t () => (string[2] a) { a = StringConcat(x, z) },
                       else_branch = e () => (string[2] b) { b = Identity(x) }>(c)
            }""",
        ),
    ],
)
def test_what_a_graph_around_it_may_say_otherwise_has_none(opset: int, text: str) -> None:
    with pytest.raises(RetargetError, match=f"; it is not known to be possible below opset {opset}"):
        step(parse(opset, text))
