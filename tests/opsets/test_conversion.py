"""The walk: missing adapters, subgraphs and functions."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from onnx import checker, parser
from onnx.numpy_helper import from_array

from opsets import RetargetError, retarget, retarget_with_report
from opsets.registry import UNCHANGED
from tests.opsets.comparing import assert_same_numbers, noise, parse


@pytest.mark.parametrize(
    ("opset", "text", "message"),
    [
        (
            26,
            "g (float[2,3] x) => (int32[2,3] y) { [bits] y = BitCast<to=6>(x) }",
            r"BitCast \(node 'bits'\), opset 26 to 25: it reads the bits of x, .* below opset 26$",
        ),
        (
            13,
            "g (float[2,3] x) => (float[M] y) { a = Relu(x) y = Unique(a) }",
            r"Unique \(node 'y'\), opset 11 to 10: .*; it is not known to be possible below opset 11$",
        ),
        (
            18,
            "g (float[2,3] x, int64[1] a) => (float[A,B] y) { [mean] y = ReduceMean(x, a) }",
            r"ReduceMean \(node 'mean'\), opset 18 to 17: its axes \(a\) are .*not known .* below opset 18$",
        ),
    ],
)
def test_what_cannot_go_down_names_operator_node_step_and_reason(opset: int, text: str, message: str) -> None:
    with pytest.raises(RetargetError, match=message):
        retarget(parse(opset, text), 3 if opset == 13 else 12)


def test_a_boundary_that_nothing_is_known_of_is_where_a_model_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of an onnx package that is newer than this code."""
    monkeypatch.delitem(UNCHANGED, ("Cast", 13, 12))
    model = parse(13, "g (float[2,3] x) => (int32[2,3] y) { y = Cast<to=6>(x) }")
    with pytest.raises(RetargetError, match=r"Cast .*13 to 12: no adapter is known, .* below opset 13$"):
        retarget(model, 12)


def test_what_is_constant_is_computed_rather_than_rewritten() -> None:
    """Also where the older form could not say it: nothing is left to be said."""
    model = parse(
        13,
        """g (float[N,4] x) => (float[N,4] y)
        <float[4] w = {1,2,3,4}, int64[4] order = {3,1,0,2}, int64[1] k = {2}> {
            t, i = TopK(order, k) z = Cast<to=1>(t) s = ReduceSum<keepdims=0>(z) a = Mul(x, s) y = Add(a, w)
        }""",
    )
    for target in (12, 7, 3):
        lowered = retarget_with_report(model, target)
        assert [node.op_type for node in lowered.model.graph.node] == ["Mul", "Add"]
        assert lowered.rewrites[0] == "Nodes folded: 3 nodes"
        assert_same_numbers(model, lowered.model, {"x": noise((2, 4))})


WEIGHTED = """g (float[N,4] x) => (float[N,6] y) <float[1,6,4] w = {{{numbers}}}, int64[1] first = {{0}}> {{
    two = {made} t = Transpose<perm=[1,0]>(two) y = MatMul(x, t)
}}""".format


@pytest.mark.parametrize("made", ["Squeeze(w, first)", "ReduceSum<keepdims=0>(w, first)"])
def test_weights_are_rewritten_rather_than_computed(made: str) -> None:
    numbers = ",".join(map(str, range(24)))
    model = parse(13, WEIGHTED(numbers=numbers, made=made))
    for target in (12, 7, 3):
        lowered = retarget(model, target)
        assert [node.op_type for node in lowered.graph.node] == [
            made.split("(", maxsplit=1)[0].split("<", maxsplit=1)[0],
            "Transpose",
            "MatMul",
        ]
        assert lowered.graph.initializer[0] == model.graph.initializer[0]
        assert_same_numbers(model, lowered, {"x": noise((2, 4))})


def test_a_weight_is_computed_with_where_no_rewrite_is_possible() -> None:
    """So many sums no matrix takes: of a constant they are known."""
    model = parse(
        13,
        """g (float[N,3] x, float[5000] w) => (float[N,4] y) <int64 first = {0}, float[4] v = {1,2,3,4}> {
            sums = CumSum(w, first) s = ReduceMax<keepdims=0>(sums) m = Mul(v, s)
            f = ReduceMean<axes=[1]>(x) y = Mul(f, m)
        }""",
    )
    del model.graph.input[1]
    model.graph.initializer.append(from_array(noise((5000,)), "w"))
    assert "CumSum" in {node.op_type for node in retarget(model, 11).graph.node}
    for target in (10, 3):
        lowered = retarget(model, target)
        assert "CumSum" not in {node.op_type for node in lowered.graph.node}
        assert "v" in {tensor.name for tensor in lowered.graph.initializer}
        assert_same_numbers(model, lowered, {"x": noise((2, 3))})


def test_bounds_are_collected_over_all_steps_each_once() -> None:
    model = parse(
        13,
        """g (float[N,4] x, float[4] d) => (float[N,4] y) {
            a = Erf(x) b = Erf(a) c = Mod<fmod=1>(b, d) y = Erf(c)
        }""",
    )
    assert retarget_with_report(model, 10).bounds == ()
    floats = "Mod of floats below 10: as exact as the quotient, and NaN for an infinite divisor"
    assert retarget_with_report(model, 9).bounds == (floats,)
    assert retarget_with_report(model, 8).bounds[:2] == (floats, "Erf below 9: absolute error at most 1e-6")


def test_the_report_counts_kinds_of_rewrites_in_the_order_of_the_walk() -> None:
    model = parse(
        14, "g (float[N,4] x) => (float[N,4] y) { a = HardSwish(x) b = HardSwish(a) y = Softmax<axis=0>(b) }"
    )
    assert retarget_with_report(model, 12).rewrites == (
        "HardSwish 14 to 13: 2 nodes",
        "Softmax 13 to 12: 1 node",
    )
    assert retarget_with_report(parse(12, "g (float[N] x) => (float[N] y) { y = Relu(x) }"), 7).rewrites == ()


SUBGRAPHS = """g (float[N,4,6] x, bool c) => (float[N,4,6] y) <int64[1] axis = {1}> {
    y = If (c) <
        then_branch = yes () => (float[N,4,6] a) {
            s = ReduceSum<keepdims=1>(x, axis)
            w = HardSwish(s)
            a = Add(x, w)
        },
        else_branch = no () => (float[N,4,6] b) { b = Softmax<axis=1>(x) }
    >
}"""


@pytest.mark.parametrize("condition", [False, True])
def test_subgraphs_are_rewritten_too(condition: bool) -> None:
    model = parse(14, SUBGRAPHS)
    lowered = retarget(model, 12)
    checker.check_model(lowered, full_check=True)
    branches = {attribute.name: attribute.g for attribute in lowered.graph.node[0].attribute}
    assert [node.op_type for node in branches["else_branch"].node] == ["Transpose", "Softmax", "Transpose"]
    assert [node.op_type for node in branches["then_branch"].node] == [
        "ReduceSum",
        "HardSigmoid",
        "Mul",
        "Add",
    ]
    assert [value.name for value in branches["else_branch"].output] == ["b"]
    assert not lowered.graph.initializer
    assert_same_numbers(model, lowered, {"x": noise((2, 4, 6)), "c": np.array(condition)})


def test_a_dead_subgraph_takes_with_it_what_it_used() -> None:
    model = parse(
        13,
        """g (float[N] x, bool c) => (float[N] y) {
            only_there = Exp(x)
            z = If (c) <
                then_branch = yes () => (float[N] a) { a = Neg(only_there) },
                else_branch = no () => (float[N] b) { b = Abs(only_there) }
            >
            y = Relu(x)
        }""",
    )
    assert [node.op_type for node in retarget(model, 12).graph.node] == ["Relu"]


FUNCTION = """
<domain: "local", opset_import: ["": {opset}]>
gate (a) => (b)
{{
    s = Softmax<axis=1>(a)
    b = Mul(a, s)
}}"""


def with_function(opset: int) -> str:
    return (
        '<ir_version: 8, opset_import: ["": 13, "local": 1]>'
        "g (float[N,4,6] x) => (float[N,4,6] y) { [one] m = local.gate(x) [two] y = local.gate(m) }"
        + FUNCTION.format(opset=opset)
    )


def test_functions_are_inlined() -> None:
    model = parser.parse_model(with_function(13))
    lowered = retarget(model, 12)
    assert not lowered.functions
    assert [(entry.domain, entry.version) for entry in lowered.opset_import] == [("", 12)]
    assert {node.op_type for node in lowered.graph.node} == {"Transpose", "Softmax", "Mul"}
    assert_same_numbers(model, lowered, {"x": noise((2, 4, 6))})


def test_a_function_of_another_opset_is_refused() -> None:
    with pytest.raises(RetargetError, match=r"'gate' .* for opset 12 of ai.onnx, and the model for opset 13"):
        retarget(parser.parse_model(with_function(12)), 12)


def test_new_names_avoid_the_names_in_use() -> None:
    model = parse(
        13,
        """g (float[N,4,6] y_Softmax) => (float[N,4,6] y, float[N,4,6] y_Transpose) {
            y_Transpose = Neg(y_Softmax)
            y = Softmax<axis=1>(y_Softmax)
        }""",
    )
    lowered = retarget(model, 12)
    outputs = [name for node in lowered.graph.node for name in node.output]
    assert len(set(outputs)) == len(outputs)
    assert_same_numbers(model, lowered, {"y_Softmax": noise((2, 4, 6))})


REFUSED = """<ir_version: 8, opset_import: ["": 14]>
    g (float[N,4] x) => (float[N,4] y) { y = NoSuchOperator(x) }"""


@pytest.mark.parametrize("enabled", [True, False])
def test_circular_garbage_is_collected_afterwards_if_it_was_before(enabled: bool) -> None:
    model = parse(13, "g (float[2,3] x) => (float[2,3] y) { y = Softmax(x) }")
    was_enabled = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        retarget(model, 9)
        assert gc.isenabled() == enabled
        with pytest.raises(RetargetError):
            retarget(parser.parse_model(REFUSED), 9)
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()
