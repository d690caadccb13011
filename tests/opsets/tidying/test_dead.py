"""What nothing uses goes, and takes along what it alone used."""

from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest

from opsets.tidying.dead import remove_dead
from tests.opsets.comparing import parse
from tests.opsets.simplifying import operators, walk_of


def without_dead(opset: int, text: str) -> onnx.ModelProto:
    model = walk_of(opset, text).model
    remove_dead(model)
    return ir.to_proto(model)


def test_a_chain_that_leads_nowhere_goes_with_its_constants() -> None:
    model = without_dead(
        13,
        """g (float[N] x) => (float[N] y) <float used = {1}, float unused = {2}> {
            a = Mul(x, unused) b = Exp(a) c = Neg(b) y = Add(x, used)
        }""",
    )
    assert operators(model) == ["Add"]
    assert [tensor.name for tensor in model.graph.initializer] == ["used"]


def test_one_used_output_is_enough_to_stay() -> None:
    model = without_dead(
        13,
        """g (float[4] x) => (float[2] y) <int64[2] parts = {2,2}> { y, unused = Split(x, parts) }""",
    )
    assert operators(model) == ["Split"]


@pytest.mark.parametrize(("kept", "expected"), [("z = Neg(y)", ["If", "Neg"]), ("z = Neg(x)", ["Neg"])])
def test_branches_use_what_stands_outside_as_long_as_they_are_used(kept: str, expected: list[str]) -> None:
    text = f"""g (float[N] x, bool c) => (float[N] z) <float w = {{2}}> {{
        y = If (c) <
            then_branch = yes () => (float[N] a) {{ a = Mul(x, w) }},
            else_branch = no () => (float[N] b) {{ unused = Exp(x) b = Abs(x) }}
        >
        {kept}
    }}"""
    model = without_dead(13, text)
    assert operators(model) == expected
    assert len(model.graph.initializer) == ("If" in expected)
    if "If" in expected:
        branches = {attribute.name: attribute.g for attribute in model.graph.node[0].attribute}
        assert [node.op_type for node in branches["else_branch"].node] == ["Abs"]


def test_constants_that_are_inputs_or_outputs_stay() -> None:
    model = parse(13, "g (float[N] x, float a) => (float[N] y) <float a = {1}> { y = Neg(x) }")
    graph = ir.from_proto(model)
    remove_dead(graph)
    assert list(graph.graph.initializers) == ["a"]
