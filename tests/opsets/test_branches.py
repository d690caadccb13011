"""Ifs whose branches make other ranks: settled where what follows takes one alone, and refused where not."""

from __future__ import annotations

import numpy as np
import pytest

from opsets import RetargetError, retarget, retarget_with_report
from tests.opsets.comparing import assert_same_numbers, noise, parse, run_onnxruntime

SQUEEZED = """
    s = Shape(x) last = Gather(s, two) is_one = Equal(last, one)
    a = If(is_one) <
        then_branch = yes () => (float[N,4] t) { t = Squeeze(x, axis) },
        else_branch = no () => (float[N,4,L] e) { e = Identity(x) }
    >
"""
WEIGHTS = "<int64[1] axis = {2}, int64 two = {2}, int64 one = {1}, float[4,3] w = {1,2,3,4,5,6,7,8,9,8,7,6}>"


def _model(behind: str, result: str, constants: str = WEIGHTS) -> str:
    return f"g (float[N,4,L] x) => ({result} y) {constants} {{ {SQUEEZED} {behind} }}"


def test_what_follows_takes_one_rank_alone() -> None:
    """A Gemm takes matrices; and where the source takes an input, both say the same."""
    model = parse(13, _model("y = Gemm(a, w)", "float[N,3]"))
    report = retarget_with_report(model, 7)
    assert report.bounds == ("If (node 'a'): taken to be true, as the source cannot be computed otherwise",)
    for target in (10, 9, 7, 3):
        lowered = retarget(model, target)
        assert "If" not in {node.op_type for node in lowered.graph.node}
        assert_same_numbers(model, lowered, {"x": noise((2, 4, 1))})
    assert "If" in {node.op_type for node in retarget(model, 11).graph.node}


def test_neither_takes_what_the_source_does_not() -> None:
    model = parse(13, _model("y = Gemm(a, w)", "float[N,3]"))
    for each in (model, retarget(model, 7)):
        with pytest.raises(Exception, match=r"(?i)squeeze|gemm|rank|dimension"):
            run_onnxruntime(each, {"x": noise((2, 4, 2))})


def test_where_both_can_be_computed_it_is_refused() -> None:
    model = parse(13, _model("y = ReduceSum<keepdims=0>(a)", "float"))
    with pytest.raises(RetargetError, match=r"If \(node 'a'\), opset 11 to 10: its branches give shapes"):
        retarget(model, 7)


def test_one_in_a_branch_is_settled_too_with_what_follows_of_it() -> None:
    """The rank of ``a`` decides the inner If, as in files of silero-vad; the outer one stays."""
    text = f"""g (float[N,4,L] x, bool flag) => (float[N,3] y)
    <int64[1] axis = {{2}}, int64[1] first = {{0}}, int64 two = {{2}}, int64 one = {{1}},
     float[4,3] w = {{1,2,3,4,5,6,7,8,9,8,7,6}}>
    {{
        y = If(flag) <
            then_branch = outer () => (float[N,3] b) {{
                {SQUEEZED}
                rank_of = Shape(a) count = Size(rank_of) is_two = Equal(count, two)
                wide = If(is_two) <
                    then_branch = matrix () => (float[N,4] m) {{ m = Identity(a) }},
                    else_branch = more () => (float[1,N,4,L] u) {{ u = Unsqueeze(a, first) }}
                >
                b = Gemm(wide, w)
            }},
            else_branch = other () => (float[N,3] c) {{
                r = ReduceMax<axes=[2], keepdims=0>(x) c = MatMul(r, w)
            }}
        >
    }}"""
    model = parse(13, text)
    for target in (10, 7):
        lowered = retarget(model, target)
        [node] = [node for node in lowered.graph.node if node.op_type == "If"]
        assert not [inner for branch in node.attribute for inner in branch.g.node if inner.op_type == "If"]
        for flag in (True, False):
            assert_same_numbers(model, lowered, {"x": noise((2, 4, 1)), "flag": np.array(flag)})
