"""Nodes that stand before what they need: sorted, reported, and a circle named."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import parser

from opsets import RetargetError, retarget, retarget_with_report
from tests.opsets.comparing import assert_same_numbers, noise, parse

STAMP = '<ir_version: 8, opset_import: ["": 13]>'
CASTS = "{cast} c = Add(h, w) s = Softmax<axis=1>(c) y = Cast<to=1>(s)"


def _casts(early: bool) -> str:
    cast = "h = Cast<to=10>(x)"
    nodes = CASTS.format(cast="") + cast if early else CASTS.format(cast=cast)
    return f"g (float[N,3,2] x) => (float[N,3,2] y) <float16[2] w = {{1,2}}> {{ {nodes} }}"


@pytest.mark.parametrize("target", [12, 9, 7])
def test_a_cast_at_the_end_moves_to_where_it_is_needed(target: int) -> None:
    """As converters to half floats insert it."""
    unsorted, ordered = parser.parse_model(f"{STAMP} {_casts(early=True)}"), parse(13, _casts(early=False))
    with pytest.raises(onnx.checker.ValidationError, match="sorted"):
        onnx.checker.check_model(unsorted)
    lowered = retarget_with_report(unsorted, target)
    assert lowered.rewrites[0] == "Nodes sorted: 1 node"
    assert lowered.model == retarget(ordered, target)
    assert_same_numbers(ordered, lowered.model, tolerance=1e-3)  # of half floats


def test_what_is_sorted_keeps_its_order_and_is_not_reported() -> None:
    text = "g (float[N] x) => (float[N] y) { b = Neg(x) a = Abs(x) d = Exp(a) c = Sin(b) y = Add(c, d) }"
    lowered = retarget_with_report(parse(12, text), 12)
    assert lowered.rewrites == ()
    assert [node.op_type for node in lowered.model.graph.node] == ["Neg", "Abs", "Exp", "Sin", "Add"]


BRANCHES = """g (float[N,4] x, bool c) => (float[N,4] y) {{
    {before}
    y = If (c) <
        then_branch = yes () => (float[N,4] a) {{ {yes} }},
        else_branch = no () => (float[N,4] b) {{ b = Neg(x) }}
    >
    {behind}
}}"""


@pytest.mark.parametrize("condition", [True, False])
def test_branches_are_sorted_and_what_they_need_stands_before_them(condition: bool) -> None:
    text = BRANCHES.format(before="", yes="a = Add(t, u) t = Exp(x)", behind="u = Sin(x)")
    ordered = BRANCHES.format(before="u = Sin(x)", yes="t = Exp(x) a = Add(t, u)", behind="")
    lowered = retarget_with_report(parser.parse_model(f"{STAMP} {text}"), 7)
    assert lowered.rewrites[0] == "Nodes sorted: 1 node"
    inputs = {"x": noise((2, 4)), "c": np.array(condition)}
    assert_same_numbers(parse(13, ordered), lowered.model, inputs)


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("g (float[N,4] x) => (float[N,4] y) { a = Add(x, d) d = Neg(a) e = Abs(d) y = Exp(e) }", {"a", "d"}),
        ("g (float[N,4] x) => (float[N,4] y) { b = Abs(x) y = Add(y, b) }", {"y"}),
        (BRANCHES.format(before="", yes="t = Exp(u) a = Abs(t)", behind="u = Neg(y)"), {"y", "u", "t"}),
    ],
)
def test_a_circle_is_named_by_a_node_of_it(text: str, nodes: set[str]) -> None:
    with pytest.raises(RetargetError, match=r"^the source is not a valid model: .* in a circle$") as caught:
        retarget(parser.parse_model(f"{STAMP} {text}"), 12)
    assert any(f"(node '{name}')" in str(caught.value) for name in nodes)
