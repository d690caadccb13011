"""Constant: an initialiser, which is handed on where it is a graph output."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from onnx import AttributeProto
from onnx.helper import make_node, make_tensor

from opsets import RetargetError, retarget
from opsets.errors import CannotAdapt
from opsets.facts.inference import ShapeInference
from opsets.ops.constant import constant_to_initializer
from opsets.registry import ADAPTERS, Step
from opsets.rewrite import Rewrite
from opsets.walk import Walk
from tests.opsets.comparing import Array, assert_same_numbers, parse

FORMS = {
    "value = float[2] {1,2}": ("float[2]", [1, 2]),
    "value = int64[1,2] {1,2}": ("int64[1,2]", [[1, 2]]),
    "value = bool[1] {1}": ("bool[1]", [True]),
    "value_float = 1.5": ("float", 1.5),
    "value_floats = [1.5, 2.5]": ("float[2]", [1.5, 2.5]),
    "value_int = 3": ("int64", 3),
    "value_ints = [3, 4]": ("int64[2]", [3, 4]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_an_initialiser_and_its_node_an_identity(form: str) -> None:
    """Reading a model leaves none of them, so that here one is handed to the adapter."""
    kind, elements = FORMS[form]
    proto = parse(13, f"g (float[2] x) => (float[2] z, {kind} y) {{ z = Neg(x) [c] y = Constant<{form}>() }}")
    model = ir.from_proto(proto)
    walk = Walk(model, ShapeInference(12), set())
    constant_to_initializer(Rewrite(model.graph[1], walk))
    assert [node.op_type for node in model.graph] == ["Neg", "Identity"]
    assert [value.name for value in model.graph.outputs] == ["z", "y"]
    tensor = model.graph.initializers["c_value"].const_value
    assert tensor is not None
    assert tensor.numpy().tolist() == elements
    assert np.asarray(elements).shape == tuple(tensor.shape)
    assert ADAPTERS["Constant", 13, 12] is constant_to_initializer


@pytest.mark.parametrize("target", [12, 11, 9, 8, 6, 3])
@pytest.mark.parametrize("form", FORMS)
def test_a_graph_output_is_the_same_at_every_opset(form: str, target: int) -> None:
    kind, _ = FORMS[form]
    if target < 7 and not kind.startswith("float"):
        return  # OpenVINO makes other types of it
    model = parse(13, f"g (float[2] x) => (float[2] z, {kind} y) {{ z = Neg(x) y = Constant<{form}>() }}")
    lowered = retarget(model, target)
    assert "Constant" not in {node.op_type for node in lowered.graph.node}
    assert_same_numbers(model, lowered)


def test_text_is_no_tensor_of_numbers() -> None:
    model = ir.from_proto(parse(13, "g (float[2] x) => (float[2] y) { y = Neg(x) }"))
    made = ir.node("Constant", [], {"value_string": "a"})
    model.graph.append(made)
    with pytest.raises(CannotAdapt, match="its value_string is no tensor of numbers"):
        constant_to_initializer(Rewrite(made, Walk(model, ShapeInference(12), set())))


def test_a_sparse_constant_is_refused() -> None:
    model = parse(13, "g (float[4] x) => (float[4] y) { y = Neg(x) }")
    values, places = make_tensor("v", 1, [1], [1.0]), make_tensor("p", 7, [1], [2])
    attribute = AttributeProto(name="sparse_value", type=AttributeProto.SPARSE_TENSOR)
    attribute.sparse_tensor.values.CopyFrom(values)
    attribute.sparse_tensor.indices.CopyFrom(places)
    attribute.sparse_tensor.dims.append(4)
    node = make_node("Constant", [], ["thin"])
    node.attribute.append(attribute)
    model.graph.node.insert(0, node)
    model.graph.node[1].op_type = "Add"
    model.graph.node[1].input.append("thin")
    with pytest.raises(RetargetError, match=r"(?i)sparse"):
        retarget(model, 12)


@given(
    st.sampled_from(sorted(step for step in ADAPTERS if step[0] == "Constant")),
    arrays(
        st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.int8, np.uint8, np.bool_]),
        array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_tensor_is_handed_on_bit_for_bit(step: Step, elements: Array, short: bool) -> None:
    """As a tensor; one number or a row of numbers also in the short form that has its type."""
    kind = {"float32": "float", "int64": "int"}.get(str(elements.dtype))
    form: dict[str, Any] = {"value": ir.tensor(elements)}
    _, opset, reaches = step
    if opset >= 12 and short and kind and elements.ndim < 2 and elements.size:
        form = {f"value_{kind}{'s' * elements.ndim}": elements.tolist()}
    model = ir.from_proto(parse(opset, "g (float[2] x) => (float[2] y) { y = Neg(x) }"))
    made = ir.node("Constant", [], form, outputs=[ir.Value(name="c")])
    model.graph.append(made)
    ADAPTERS[step](Rewrite(made, Walk(model, ShapeInference(reaches), set())))
    (value,) = model.graph.initializers.values()
    assert value.const_value is not None
    found = value.const_value.numpy()
    assert (found.dtype, found.shape) == (elements.dtype, elements.shape)
    assert found.tobytes() == elements.tobytes()
