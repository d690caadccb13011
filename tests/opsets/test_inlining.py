"""Functions of a model: their nodes in the place of their calls, and how many of them there may be."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, parser

from opsets import RetargetError, retarget
from opsets.inlining import MOST_NODES
from tests.opsets.comparing import assert_same_numbers, noise

IMPORTS = [helper.make_opsetid("", 15), helper.make_opsetid("local", 1)]


def twice_as_many(levels: int) -> onnx.ModelProto:
    """A model of ``levels`` functions, each of which calls the next one twice; the last is two Relus."""
    functions = []
    for level in range(levels):
        last = level == levels - 1
        called, domain = ("Relu", "") if last else (f"f{level + 1}", "local")
        nodes = [
            helper.make_node(called, [source], [result], domain=domain)
            for source, result in (("a", "t"), ("t", "b"))
        ]
        functions.append(helper.make_function("local", f"f{level}", ["a"], ["b"], nodes, IMPORTS))
    return model_of([helper.make_node("f0", ["x"], ["y"], domain="local")], functions)


def model_of(nodes: list[onnx.NodeProto], functions: list[onnx.FunctionProto]) -> onnx.ModelProto:
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:])
    return helper.make_model(graph, functions=functions, ir_version=8, opset_imports=IMPORTS)


def test_functions_that_double_the_nodes_are_inlined_up_to_a_limit() -> None:
    model = twice_as_many(10)
    lowered = retarget(model, 12)
    assert [node.op_type for node in lowered.graph.node] == ["Relu"] * 2**10
    assert_same_numbers(model, lowered, {"x": noise((2, 3))})


def test_more_nodes_than_the_limit_are_counted_and_never_made() -> None:
    with pytest.raises(RetargetError, match=rf"have {2**60} nodes, and {MOST_NODES} are the most; export"):
        retarget(twice_as_many(60), 12)


def test_functions_that_call_each_other_in_a_circle_are_refused() -> None:
    functions = [
        helper.make_function(
            "local", own, ["a"], ["b"], [helper.make_node(other, ["a"], ["b"], domain="local")], IMPORTS
        )
        for own, other in (("one", "other"), ("other", "one"))
    ]
    model = model_of([helper.make_node("one", ["x"], ["y"], domain="local")], functions)
    with pytest.raises(RetargetError, match="in a circle: 'one' calls 'other' calls 'one'"):
        retarget(model, 12)


def test_defaults_of_functions_hold_in_branches_and_other_functions_too() -> None:
    model = parser.parse_model(
        """<ir_version: 9, opset_import: ["": 15, "local": 1]>
        g (float[2,3] x, bool c) => (float[2,3] y) <float[3] w = {1,-2,3}> {
            t = local.scaled<alpha=0.25>(x, w)
            y = If(c) <then_branch = a () => (float[2,3] q) { q = local.outer(t, w) },
                       else_branch = b () => (float[2,3] r) { r = local.scaled(t, w) }>
        }
        <domain: "local", opset_import: ["": 15, "local": 1]>
        outer (a, k) => (b) { b = local.scaled(a, k) }
        <domain: "local", opset_import: ["": 15]>
        scaled <alpha: float = 0.5> (a, k) => (b) {
            s = HardSigmoid<alpha: float = @alpha>(a) b = Mul(s, k)
        }
        <domain: "local", opset_import: ["": 12]>
        never_called (a) => (b) { b = Relu(a) }"""
    )
    lowered = retarget(model, 12)
    for condition in (True, False):
        given = {"x": noise((2, 3)), "c": np.array(condition)}
        assert_same_numbers(model, lowered, given)
    [first, choice] = [node for node in lowered.graph.node if node.op_type != "Mul"]
    branches = [attribute.g for attribute in choice.attribute]
    gates = [first, *(node for branch in branches for node in branch.node if node.op_type != "Mul")]
    assert [node.attribute[0].f for node in gates] == [0.25, 0.5, 0.5]


def test_the_inliner_loses_no_weight() -> None:
    model = twice_as_many(1)
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2, 3], noise((2, 3)).tobytes(), raw=True)
    model.graph.initializer.append(weight)
    model.graph.node.append(helper.make_node("Mul", ["y", "w"], ["z"]))
    model.graph.output[0].name = "z"
    lowered = retarget(model, 12)
    assert [tensor.raw_data for tensor in lowered.graph.initializer] == [weight.raw_data]
