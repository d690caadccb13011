"""An operator as the onnx package defines it: a function of other operators, written out in its place."""

from __future__ import annotations

import onnx
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.versions import schema_at
from opsets.tidying.simplification import simplify_node
from opsets.walk import Walk, stem_of


def write_definition(walk: Walk, node: ir.Node, opset: int) -> list[ir.Value]:
    """The outputs of what ``node``, an operator of ``opset``, is defined as, written before it.

    The definition may look at types and ranks. Its nodes are of ``opset``, so whoever asks for it knows
    that they mean the same one opset below. Raises :class:`CannotAdapt` where there is none.
    """
    function = _definition(node, opset)
    for inner, given in zip(function.inputs, node.inputs, strict=False):
        if given is not None:
            ir.convenience.replace_all_uses_with(inner, given)
    results = list(function.outputs)
    function.outputs.clear()
    made = list(function)
    function.remove(made)
    for one in made:
        if one.op_type == "Constant":
            _hand_over(walk, one)
            continue
        _name_anew(walk, one, stem_of(node))
        if one.op_type == "Scan":
            _set_body_types(one)
        walk.put_before(node, one)
        simplify_node(walk, one)
        if one.op_type == "Scan":
            _set_results(one)
    return results


def _hand_over(walk: Walk, node: ir.Node) -> None:
    """A Constant as what all other constants are."""
    array = node.attributes["value"].as_tensor().numpy()
    ir.convenience.replace_all_uses_with(node.outputs[0], walk.initializer(array, str(node.outputs[0].name)))


def _definition(node: ir.Node, opset: int) -> ir.Function:
    schema = schema_at(node.op_type, opset)
    if schema is None or not schema.has_context_dependent_function:  # type: ignore[attr-defined]
        raise CannotAdapt("the onnx package has no definition of it")
    types = [
        b"" if value is None or value.type is None else _type_of(value).SerializeToString()
        for value in node.inputs
    ]
    proto = onnx.FunctionProto()
    proto.ParseFromString(
        schema.get_context_dependent_function(  # type: ignore[attr-defined]
            ir.serde.serialize_node(node).SerializeToString(), types
        )
    )
    if not proto.node:
        raise CannotAdapt("the onnx package cannot define it for these types and shapes")
    return ir.serde.deserialize_function(proto)


def _type_of(value: ir.Value) -> onnx.TypeProto:
    assert value.type is not None
    proto = ir.serde.serialize_type(value.type)
    if value.shape is not None:
        ir.serde.serialize_shape_into(proto, value.shape)
    return proto


def _name_anew(walk: Walk, node: ir.Node, stem: str) -> None:
    """Names that nothing has yet, for the node and for all that its body has."""
    node.name = walk.fresh(f"{stem}_{node.op_type}")
    for output in node.outputs:
        output.name = walk.fresh(f"{stem}_{output.name}")
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            body = attribute.as_graph()
            for value in body.inputs:
                value.name = walk.fresh(f"{stem}_{value.name}")
            for inner in body:
                _name_anew(walk, inner, stem)


def _set_body_types(node: ir.Node) -> None:
    """What the body of a Scan is given: states as they are, and one part of each sequence."""
    body, states = node.attributes["body"].as_graph(), _states(node)
    for index, (inner, given) in enumerate(zip(body.inputs, node.inputs, strict=True)):
        assert given is not None
        inner.type = given.type
        if given.shape is not None:
            inner.shape = given.shape if index < states else ir.Shape(list(given.shape)[1:])


def _set_results(node: ir.Node) -> None:
    """What a Scan gives: states as its body leaves them, and sequences as long as the first one given."""
    states = _states(node)
    sequence = node.inputs[states]
    assert sequence is not None
    for index, (output, inner) in enumerate(
        zip(node.outputs, node.attributes["body"].as_graph().outputs, strict=True)
    ):
        output.type = inner.type
        if inner.shape is not None and sequence.shape is not None:
            output.shape = inner.shape if index < states else ir.Shape([sequence.shape[0], *inner.shape])


def _states(node: ir.Node) -> int:
    return len(node.inputs) - node.attributes["num_scan_inputs"].as_int()
