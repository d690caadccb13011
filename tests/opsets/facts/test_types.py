"""Which types the forms of an operator accept."""

from __future__ import annotations

import onnx_ir as ir
import pytest

from opsets import RetargetError, retarget
from opsets.facts.types import refused_type
from tests.opsets.comparing import parse

FLOAT, INT64, DOUBLE = ir.DataType.FLOAT, ir.DataType.INT64, ir.DataType.DOUBLE


def node_of(operator: str, inputs: list[ir.DataType | None], outputs: list[ir.DataType | None]) -> ir.Node:
    def value(kind: ir.DataType | None) -> ir.Value:
        return ir.Value(type=None if kind is None else ir.TensorType(kind))

    return ir.node(operator, [value(kind) for kind in inputs], outputs=[value(kind) for kind in outputs])


@pytest.mark.parametrize(
    ("node", "opset", "reason"),
    [
        (node_of("Add", [INT64, INT64], [INT64]), 7, None),
        (node_of("Add", [INT64, INT64], [INT64]), 5, "input 0 may not be tensor(int64) at opset 5"),
        (node_of("Add", [None, INT64], [None]), 5, "input 1 may not be tensor(int64) at opset 5"),
        (node_of("Add", [None, None], [None]), 5, None),
        (node_of("Shape", [FLOAT], [FLOAT]), 5, "output 0 may not be tensor(float) at opset 5"),
        (node_of("Concat", [FLOAT, FLOAT, FLOAT], [FLOAT]), 4, None),
        (node_of("Concat", [FLOAT, FLOAT, INT64], [FLOAT]), 3, "input 2 may not be tensor(int64) at opset 3"),
        (node_of("Clip", [FLOAT, FLOAT, FLOAT], [FLOAT]), 10, "input 1 is one too many at opset 10"),
        (node_of("Clip", [FLOAT, FLOAT, FLOAT], [FLOAT]), 11, None),
        (node_of("Dropout", [DOUBLE], [DOUBLE, DOUBLE, DOUBLE]), 9, "output 2 is one too many at opset 9"),
        (node_of("HardSwish", [FLOAT], [FLOAT]), 13, "there is no HardSwish at opset 13"),
    ],
)
def test_why_a_form_refuses_a_node(node: ir.Node, opset: int, reason: str | None) -> None:
    assert refused_type(node, opset) == reason


def test_what_is_left_out_or_no_tensor_has_no_type_to_refuse() -> None:
    made = node_of("Clip", [FLOAT, FLOAT], [FLOAT])
    made.replace_input_with(1, None)
    assert refused_type(made, 11) is None
    sequence = ir.Value(type=ir.SequenceType(ir.TensorType(FLOAT)))
    assert refused_type(ir.node("SequenceLength", [sequence]), 11) is None


@pytest.mark.parametrize(
    ("opset", "text", "target", "message"),
    [
        (
            14,
            "g (int8[2] x) => (int8[2] y) { [rectify] y = Relu(x) }",
            12,
            r"Relu \(node 'rectify'\), opset 14 to 13: input 0 may not be tensor\(int8\) at opset 13; "
            "it is not known to be possible below opset 14",
        ),
        (
            13,
            "g (bfloat16[2] x) => (bfloat16[2] y) { y = Neg(x) }",
            12,
            r"Neg .*13 to 12: input 0 may not be tensor\(bfloat16\)",
        ),
        (
            7,
            "g (string[2] x, string[2] z) => (string[4] y) { y = Concat<axis=0>(x, z) }",
            3,
            r"Concat .*opset 4 to 3: .*tensor\(string\)",
        ),
    ],
)
def test_a_type_that_the_older_form_refuses_stops_the_walk(
    opset: int, text: str, target: int, message: str
) -> None:
    with pytest.raises(RetargetError, match=message):
        retarget(parse(opset, text), target)
