"""The walk: missing adapters, subgraphs and functions."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import checker, parser

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, noise, parse


@pytest.mark.parametrize(
    ("opset", "text", "message"),
    [
        (
            16,
            "g (float[1,1,4,4] x, float[1,2,2,2] p) => (float[A,B,C,D] y) { [sample] y = GridSample(x, p) }",
            r"GridSample \(node 'sample'\), opset 16 to 15: no adapter is known",
        ),
        (
            18,
            "g (float[2,3] x, int64[1] a) => (float[A,B] y) { [mean] y = ReduceMean(x, a) }",
            r"ReduceMean \(node 'mean'\), opset 18 to 17: its axes \(a\) are computed.*lowest .* opset is 18",
        ),
    ],
)
def test_what_cannot_go_down_names_operator_node_step_and_reason(opset: int, text: str, message: str) -> None:
    with pytest.raises(RetargetError, match=message):
        retarget(parse(opset, text), 12)


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
    with pytest.raises(RetargetError, match=r"cannot be read.*version 12 in the function"):
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
