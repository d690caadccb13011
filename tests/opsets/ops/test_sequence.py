"""Sequences of tensors, which nothing below 11 has, and SequenceMap, which nothing below 17 has.

Those whose tensors are known are gone before: tests/opsets/tidying/test_sequences.py.
"""

from __future__ import annotations

import pytest

from opsets import RetargetError
from opsets.registry import IMPOSSIBLE
from tests.opsets.comparing import parse, step

GRAPHS = {
    "SequenceConstruct": "s = SequenceConstruct(x, x) y = SequenceAt(s, i)",
    "SequenceEmpty": "e = SequenceEmpty() s = SequenceInsert(e, x, i) y = SequenceAt(s, i)",
    "SplitToSequence": "s = SplitToSequence(x) y = SequenceAt(s, i)",
}


@pytest.mark.parametrize("operator", GRAPHS)
def test_what_makes_a_sequence_stops_with_the_reason(operator: str) -> None:
    model = parse(11, f"g (float[N] x, int64 i) => (float[M] y) {{ {GRAPHS[operator]} }}")
    with pytest.raises(
        RetargetError, match=rf"{operator} .*opset 11 to 10: no operator below 11 makes or takes a sequence"
    ):
        step(model)


@pytest.mark.parametrize(
    ("kind", "nodes"),
    [
        ("float[4]", "y = SequenceAt(s, i)"),
        ("int64", "y = SequenceLength(s)"),
        ("float[M]", "y = ConcatFromSequence<axis=0>(s)"),
        ("seq(float[4])", "y = SequenceErase(s, i)"),
        ("seq(float[4])", "y = SequenceInsert(s, x)"),
    ],
)
def test_what_takes_a_sequence_stops_with_the_reason(kind: str, nodes: str) -> None:
    model = parse(11, f"g (seq(float[4]) s, float[4] x) => ({kind} y) <int64 i = {{0}}> {{ {nodes} }}")
    operator = model.graph.node[0].op_type
    with pytest.raises(
        RetargetError, match=rf"{operator} .*opset 11 to 10: no operator below 11 makes or takes a sequence"
    ):
        step(model)


def test_a_graph_over_a_sequence_stops_with_the_reason() -> None:
    model = parse(
        17,
        """g (seq(float[4]) s) => (seq(float[4]) y) {
            y = SequenceMap<body = each (float[4] a) => (float[4] b) { b = Neg(a) }>(s)
        }""",
    )
    with pytest.raises(
        RetargetError,
        match=r"SequenceMap .*17 to 16: .*but a Loop around it, .* is not known; .* below opset 17",
    ):
        step(model)


def test_all_of_them_are_named() -> None:
    named = {operator for operator, opset, _ in IMPOSSIBLE if opset == 11 and "equence" in operator}
    assert named == {
        *GRAPHS,
        "SequenceAt",
        "SequenceLength",
        "ConcatFromSequence",
        "SequenceErase",
        "SequenceInsert",
    }
