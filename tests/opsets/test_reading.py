"""From a ModelProto to a graph of standard operators with its constants in one place, and back."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper, parser

from opsets import RetargetError, retarget
from opsets.reading import names_in, read_model
from opsets.writing import write_model
from tests.opsets.comparing import assert_same_numbers, noise, parse, run

BRANCHES = """g (float[2,3] x, bool c) => (float[2,3] y) {{
    y = If (c) <
        then_branch = yes () => (float[A,B] a) {{ {yes} }},
        else_branch = no () => (float[A,B] b) {{ {no} }}
    >
}}"""
TENSOR = "Constant<value = float[2,3] {1,2,3,4,5,6}>()"


def test_constants_of_branches_are_handed_on_to_the_main_graph() -> None:
    text = BRANCHES.format(yes=f"w = {TENSOR} a = Add(x, w)", no=f"w2 = {TENSOR} b = Mul(x, w2)")
    model = read_model(parse(13, text))
    assert sorted(model.graph.initializers) == ["w", "w2"]
    assert [node.op_type for node in model.graph.all_nodes()] == ["If", "Add", "Mul"]
    for value in model.graph.initializers.values():
        assert value.dtype == ir.DataType.FLOAT
        assert value.shape == (2, 3)


@pytest.mark.parametrize("target", [12, 9, 8, 7])
@pytest.mark.parametrize("condition", [True, False])
def test_a_branch_may_give_a_constant_at_any_ir_version(target: int, condition: bool) -> None:
    """Up to IR 3 a subgraph can hold no initialiser, so that its output has to be made by a node."""
    text = BRANCHES.format(yes=f"a = {TENSOR}", no="b = Neg(x)")
    model = parse(13, text)
    lowered = retarget(model, target)
    for attribute in lowered.graph.node[0].attribute:
        assert not attribute.g.initializer
    branches = {attribute.name: attribute.g for attribute in lowered.graph.node[0].attribute}
    assert [node.op_type for node in branches["then_branch"].node] == ["Identity"]
    assert_same_numbers(model, lowered, {"x": noise((2, 3)), "c": np.array(condition)})


def test_siblings_may_use_one_name_for_two_things() -> None:
    text = BRANCHES.format(yes="t = Exp(x) a = Neg(t)", no="t = Sin(x) b = Abs(t)")
    model = read_model(parse(13, text))
    names = [value.name for node in model.graph.all_nodes() for value in node.outputs]
    assert names == ["y", "t", "a", "t_1", "b"]
    assert set(names) <= names_in(model)


def test_initialisers_of_two_branches_may_share_a_name() -> None:
    branch = "{name} = {kind} () => (float[A,B] {out}) <float[1] w = {{{number}}}> {{ {out} = Mul(x, w) }}"
    yes = branch.format(name="then_branch", kind="yes", out="a", number=2)
    no = branch.format(name="else_branch", kind="no", out="b", number=3)
    model = parse(13, f"g (float[2,3] x, bool c) => (float[2,3] y) {{ y = If (c) <{yes}, {no}> }}")
    before = model.SerializeToString()
    lowered = retarget(model, 12)
    assert model.SerializeToString() == before, (
        "they were renamed in the source, which is read again for advice"
    )
    assert sorted(float(numpy_helper.to_array(w)[0]) for w in lowered.graph.initializer) == [2, 3]
    x = noise((2, 3))
    for condition, factor in ((True, 2), (False, 3)):  # onnxruntime does not read the original
        np.testing.assert_array_equal(run(lowered, {"x": x, "c": np.array(condition)})[0], factor * x)


def test_every_form_of_constant_becomes_an_initialiser() -> None:
    text = """g (float[2] x) => (float[2] y) {
        a = Constant<value = float {2}>() b = Constant<value_float = 3.0>()
        c = Constant<value_floats = [1.0,2.0]>()
        i = Constant<value_int = 4>() j = Constant<value_ints = [5,6]>()
        k = Cast<to=1>(i) l = Cast<to=1>(j)
        y = Sum(x, a, b, c, k, l)
    }"""
    model = read_model(parse(13, text))
    found = {name: value.const_value for name, value in model.graph.initializers.items()}
    assert {name: tensor.numpy().tolist() for name, tensor in found.items() if tensor is not None} == {
        "a": 2,
        "b": 3,
        "c": [1, 2],
        "i": 4,
        "j": [5, 6],
    }
    assert [node.op_type for node in model.graph] == ["Cast", "Cast", "Sum"]


def test_a_constant_that_is_a_graph_output_comes_out_the_same() -> None:
    model = parse(
        13,
        "g (float[2] x) => (float[2] y, float[2] z) { y = Neg(x) z = Constant<value_floats = [1.0,2.0]>() }",
    )
    for target in (12, 9, 7, 3):
        lowered = retarget(model, target)
        assert [value.name for value in lowered.graph.output] == ["y", "z"]
        assert_same_numbers(model, lowered, {"x": noise((2,))})


LONG = """<ir_version: 8, opset_import: ["ai.onnx": 13{imports}]>
g (float[N,4] x) => (float[N,4] y) {{ y = ai.onnx.Softmax<axis=1>(x) }}"""


@pytest.mark.parametrize("imports", ["", ', "com.example": 1'])
def test_the_long_name_of_the_default_domain_is_dropped_and_unused_domains_go(imports: str) -> None:
    lowered = retarget(parser.parse_model(LONG.format(imports=imports)), 12)
    assert [(entry.domain, entry.version) for entry in lowered.opset_import] == [("", 12)]
    assert [node.domain for node in lowered.graph.node] == [""]


def test_functions_within_functions_are_inlined() -> None:
    model = parser.parse_model(
        """<ir_version: 8, opset_import: ["": 13, "local": 1]>
        g (float[N,4] x) => (float[N,4] y) { y = local.outer(x) }
        <domain: "local", opset_import: ["": 13, "local": 1]>
        outer (a) => (b) { c = local.inner(a) b = Neg(c) }
        <domain: "local", opset_import: ["": 13]>
        inner (a) => (b) { b = HardSigmoid<alpha=0.5>(a) }"""
    )
    lowered = retarget(model, 12)
    assert [node.op_type for node in lowered.graph.node] == ["HardSigmoid", "Neg"]
    assert not lowered.functions
    assert_same_numbers(model, lowered, {"x": noise((2, 4))})


def test_a_sparse_initialiser_is_refused() -> None:
    model = parse(13, "g (float[4] x) => (float[4] y) { y = Neg(x) }")
    values = numpy_helper.from_array(np.ones(1, dtype=np.float32), "thin")
    places = numpy_helper.from_array(np.zeros(1, dtype=np.int64), "places")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4]))
    with pytest.raises(RetargetError, match="'thin' is sparse; export the model with dense ones"):
        read_model(model)


def test_a_graph_that_refers_to_nothing_is_refused() -> None:
    model = parse(13, "g (float[4] x) => (float[4] y) { y = Neg(x) }")
    model.graph.node[0].input[0] = "nowhere"
    with pytest.raises(RetargetError):
        retarget(model, 12)


def test_declared_types_stay_and_inferred_ones_do_not() -> None:
    model = parse(13, "g (float[N,4] x) => (float[N,4] y) { a = Neg(x) b = Exp(a) y = Relu(b) }")
    model.graph.value_info.append(helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, ["N", 4]))
    assert [value.name for value in retarget(model, 12).graph.value_info] == ["a"]


def test_initialisers_stay_in_their_order() -> None:
    text = """g (float[N,2] x) => (float[N,2] y) <float[2] c = {1,2}, float[2] a = {3,4}, float[2] b = {5,6}>
    { t = Add(x, a) u = Add(t, b) y = Add(u, c) }"""
    for target in (12, 3):
        lowered = retarget(parse(13, text), target)
        assert [tensor.name for tensor in lowered.graph.initializer][:3] == ["c", "a", "b"]


def test_reading_and_writing_changes_nothing() -> None:
    model = parse(
        12, "g (float[N,4] x) => (float[N,4] y) <float[4] w = {1,2,3,4}> { a = Mul(x, w) y = Relu(a) }"
    )
    model.producer_name, model.doc_string = "by hand", "a model"
    for node in model.graph.node:
        node.ClearField("domain")  # the parser writes out that it is empty
    assert write_model(read_model(model), model, 12) == model
