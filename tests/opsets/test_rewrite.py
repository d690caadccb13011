"""What an adapter may ask of a node, and how its changes show in the graph."""

from __future__ import annotations

from unittest.mock import Mock

import onnx_ir as ir
import pytest

from opsets.errors import CannotAdapt
from opsets.facts.constants import Constants
from opsets.rewrite import Rewrite
from opsets.walk import Walk
from tests.opsets.simplifying import value_in, walk_of

TEXT = """g (float[N,4] x, int64[2] z) => (float[N,4] y) <float[4] w = {1,2,3,4}, float two = {2}> {
    [bend] a = Clip(x, , two)
    [scale] v = Neg(w)
    [stretch] b = Mul(a, v)
    [split] c, d = Split<axis=1>(b)
    [last] y = Concat<axis=1>(c, d)
}"""


def rewrite_of(name: str, text: str = TEXT, opset: int = 13) -> tuple[Rewrite, Walk]:
    """The view of the node ``name`` on its way one opset down."""
    walk = walk_of(opset, text)
    walk.constants = Constants(frozenset(["w"]))
    walk.inference.opset = opset - 1
    return Rewrite(next(node for node in walk.model.graph if node.name == name), walk), walk


def names(walk: Walk) -> list[tuple[str | None, str, list[str | None]]]:
    return [(node.name, node.op_type, [value.name for value in node.outputs]) for node in walk.model.graph]


def test_inputs_that_are_left_out_are_none_and_required_ones_are_missed() -> None:
    rewrite, _ = rewrite_of("bend")
    assert rewrite.required(0).name == "x"
    assert rewrite.input(1) is None
    assert rewrite.input(7) is None
    with pytest.raises(CannotAdapt, match="input 1 is missing"):
        rewrite.required(1)


def test_constants_are_seen_through_chains_and_open_ones_named() -> None:
    rewrite, walk = rewrite_of("stretch")
    array = rewrite.constant(1, "factors")
    assert array is not None
    assert array.tolist() == [-1, -2, -3, -4]
    with pytest.raises(CannotAdapt, match=r"its data \(a\) are computed at run time, not constant"):
        rewrite.constant(0, "data")
    assert rewrite.constant(5, "nothing") is None
    assert rewrite.constant_or_none(value_in(walk, "a")) is None


def test_weights_and_what_is_made_of_them_are_not_to_be_computed_with() -> None:
    rewrite, walk = rewrite_of("stretch")
    weight = walk.model.graph.initializers["w"]
    assert rewrite.constant_or_none(weight) is not None
    assert rewrite.constant_unless_weight(weight) is None
    assert rewrite.constant_unless_weight(rewrite.required(1)) is None  # the weight's negative
    number = rewrite.constant_unless_weight(walk.model.graph.initializers["two"])
    assert number is not None
    assert number.tolist() == 2


def test_attributes_have_their_defaults() -> None:
    rewrite, _ = rewrite_of(
        "up",
        """g (float[1,1,2,2] x, float[4] s) => (float[1,1,A,B] y)
        { [up] y = Resize<mode="linear", extrapolation_value=2.5>(x, , s) }""",
    )
    assert (rewrite.text("mode", "nearest"), rewrite.text("nearest_mode", "floor")) == ("linear", "floor")
    assert (rewrite.real("extrapolation_value", 0), rewrite.real("cubic_coeff_a", -0.75)) == (2.5, -0.75)
    assert (rewrite.integer("exclude_outside", 7), rewrite.integers("axes")) == (7, None)
    assert rewrite.has("mode")
    assert not rewrite.has("axes")


def test_lengths_open_and_fixed() -> None:
    rewrite, walk = rewrite_of("bend")
    value = value_in(walk, "x")
    assert (rewrite.rank(value), list(map(str, rewrite.lengths(value)))) == (2, ["N", "4"])
    assert rewrite.length(value, -1) == 4
    with pytest.raises(CannotAdapt, match=r"axis 0 of x"):
        rewrite.length(value, 0)
    with pytest.raises(CannotAdapt, match="the number of axes of blank is not known"):
        rewrite.rank(ir.Value(name="blank"))


def test_the_elements_of_a_tensor_of_lengths() -> None:
    text = """g (float[N,4] x, int64[2] z) => (float[A,B] y) <int64[1] two = {2}> {
        s = Shape(x) t = Mul(s, two) [here] y = Reshape(x, t)
    }"""
    rewrite, walk = rewrite_of("here", text)
    entries = rewrite.lengths_in(rewrite.required(1))
    assert entries is not None
    assert list(map(str, entries)) == ["2*N", "8"]
    assert rewrite.lengths_in(value_in(walk, "z")) is None


def test_a_replacement_takes_the_names_and_its_helpers_are_named_after_the_node() -> None:
    rewrite, walk = rewrite_of("bend")
    low = rewrite.add("Max", [rewrite.required(0), rewrite.number(0, rewrite.required(0), "low")])
    assert (low.dtype, low.shape) == (ir.DataType.FLOAT, ir.Shape(["N", 4]))
    rewrite.replace(rewrite.add("Min", [low, rewrite.required(2)]))
    assert rewrite.touched
    assert names(walk)[:2] == [("bend_Max", "Max", ["bend_Max"]), ("bend", "Min", ["a"])]
    low_number = walk.model.graph.initializers["bend_low"]
    assert (low_number.dtype, low_number.shape) == (ir.DataType.FLOAT, ir.Shape([]))
    assert [node.name for node in walk.model.graph] == [
        "bend_Max",
        "bend",
        "scale",
        "stretch",
        "split",
        "last",
    ]


def test_a_node_without_a_name_is_named_after_its_output() -> None:
    walk = walk_of(13, "g (float[N,4] x) => (float[N,4] y) { y = Relu(x) }")
    rewrite = Rewrite(walk.model.graph[0], walk)
    rewrite.replace(rewrite.add("Abs", [rewrite.add("Neg", [rewrite.required(0)])]))
    assert names(walk) == [("y_Neg", "Neg", ["y_Neg"]), ("y_Abs", "Abs", ["y"])]
    output = walk.model.graph.outputs[0]
    assert (output.name, output.shape, output.producer()) == ("y", ir.Shape(["N", 4]), walk.model.graph[1])


def test_new_names_are_counted_where_they_are_taken() -> None:
    text = "g (float[N,4] x) => (float[N,4] y) { [relu_Neg] relu_two = Neg(x) [relu] y = Relu(relu_two) }"
    rewrite, walk = rewrite_of("relu", text)
    first = rewrite.add("Neg", [rewrite.required(0)])
    second = rewrite.add("Neg", [first])
    number = rewrite.number(1, first, "two")
    assert [first.name, second.name, number.name] == ["relu_Neg_1", "relu_Neg_2", "relu_two_1"]
    assert walk.fresh("relu_two") == "relu_two_2"


def test_several_outputs_are_replaced_at_once() -> None:
    rewrite, walk = rewrite_of("split")
    data = rewrite.required(0)
    left, right = rewrite.add_many("Split", [data], {"axis": 1}, 2)
    rewrite.replace(rewrite.add("Neg", [left]), rewrite.add("Neg", [right]))
    assert names(walk)[3:] == [
        ("split_Split", "Split", ["split_Split", "split_Split_1"]),
        ("split", "Neg", ["c"]),
        ("split_Neg_1", "Neg", ["d"]),
        ("last", "Concat", ["y"]),
    ]


def test_an_existing_value_can_take_the_place_of_a_node() -> None:
    rewrite, walk = rewrite_of("bend")
    rewrite.forward(rewrite.required(0))
    assert [node.name for node in walk.model.graph] == ["scale", "stretch", "split", "last"]
    assert walk.model.graph[1].inputs[0] is walk.model.graph.inputs[0]


def test_a_graph_output_that_is_forwarded_is_made_by_an_identity() -> None:
    rewrite, walk = rewrite_of("last")
    rewrite.forward(walk.model.graph.inputs[0])
    assert names(walk)[-1] == ("last", "Identity", ["y"])
    assert walk.model.graph.outputs[0].name == "y"


def test_changes_in_place() -> None:
    rewrite, _ = rewrite_of("bend")
    rewrite.drop_attribute("axis")
    rewrite.keep_inputs(3)
    rewrite.keep_outputs(1)
    assert not rewrite.touched
    rewrite.set_attribute("min", 1.5)
    assert rewrite.touched
    assert rewrite.real("min", 0) == 1.5
    rewrite.drop_attribute("min")
    assert not rewrite.has("min")
    rewrite.set_input(4, rewrite.required(2))
    assert [value and value.name for value in rewrite.node.inputs] == ["x", None, "two", None, "two"]
    rewrite.keep_inputs(1)
    assert [value and value.name for value in rewrite.node.inputs] == ["x"]
    rewrite, _ = rewrite_of("split")
    assert [rewrite.is_used(index) for index in range(3)] == [True, True, False]
    with pytest.raises(CannotAdapt, match="its output 1 is used, and opset 12 has none like it"):
        rewrite.keep_outputs(1)


def test_what_the_older_form_does_not_accept_cannot_be_added() -> None:
    rewrite, _ = rewrite_of("bend", opset=13)
    with pytest.raises(
        CannotAdapt, match="it would become HardSwish, where there is no HardSwish at opset 12"
    ):
        rewrite.add("HardSwish", [rewrite.required(0)])
    with pytest.raises(
        CannotAdapt, match=r"become Not, where input 0 may not be tensor\(float\) at opset 12"
    ):
        rewrite.add("Not", [rewrite.required(0)])


def test_bounds_are_said_once_and_in_order() -> None:
    rewrite, walk = rewrite_of("bend")
    for text in ("second", "first", "second"):
        rewrite.bound(text)
    assert list(walk.bounds) == ["second", "first"]


def test_a_carrier_of_a_length_stands_before_the_node() -> None:
    text = """g (int64[N,4] i, float[M,3] x) => (float[K,4] y, float[N,4] z) {
        [here] t = Neg(x) f = Cast<to=1>(i) y = Relu(f) z = Neg(f)
    }"""
    rewrite, walk = rewrite_of("here", text)
    batch, other = (walk.inference.length(value, 0) for value in walk.model.graph.inputs)
    value, axis = rewrite.carrier(other)
    assert (value.name, axis) == ("x", 0)
    with pytest.raises(CannotAdapt, match="no tensor at hand has an axis of length N"):
        rewrite.carrier(batch)  # one of integers does not do, and the one of floats comes later


def test_carriers_of_many_lengths_are_found_in_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 50
    inputs = ", ".join(f"float[L{i},4] x{i}" for i in range(count))
    rewrite, walk = rewrite_of("here", f"g ({inputs}) => (float[L0,4] y) {{ [here] y = Neg(x0) }}")
    wanted = [walk.inference.length(value, 0) for value in walk.model.graph.inputs]
    looks = Mock(wraps=walk.inference.lengths)
    monkeypatch.setattr(walk.inference, "lengths", looks)
    assert [rewrite.carrier(length)[0].name for length in wanted] == [f"x{i}" for i in range(count)]
    assert looks.call_count == count


def test_a_carrier_for_a_node_in_a_branch_stands_before_the_branch() -> None:
    text = """g (int64[N,4] i, float[M,3] x, bool c) => (float[A,B] y, float[N,4] z) {
        y = If (c) <
            then_branch = yes () => (float[A,B] a) { [here] a = Neg(x) },
            else_branch = no () => (float[A,B] b) { b = Abs(x) }
        >
        z = Cast<to=1>(i)
    }"""
    walk = walk_of(13, text)
    inner = next(node for node in walk.model.graph.all_nodes() if node.name == "here")
    batch = walk.inference.length(walk.model.graph.inputs[0], 0)
    with pytest.raises(CannotAdapt, match="axis of length N"):
        Rewrite(inner, walk).carrier(batch)


def test_constants_of_a_branch_go_to_the_main_graph_and_its_nodes_do_not() -> None:
    text = """g (float[M,3] x, bool c) => (float[A,B] y) {
        y = If (c) <
            then_branch = yes () => (float[A,B] a) { [here] a = Neg(x) },
            else_branch = no () => (float[A,B] b) { b = Abs(x) }
        >
    }"""
    walk = walk_of(13, text)
    inner = next(node for node in walk.model.graph.all_nodes() if node.name == "here")
    branch = inner.graph
    assert branch is not None
    rewrite = Rewrite(inner, walk)
    rewrite.replace(
        rewrite.add("Mul", [rewrite.required(0), rewrite.number(2, rewrite.required(0), "factor")])
    )
    assert list(walk.model.graph.initializers) == ["here_factor"]
    assert [(node.name, node.op_type) for node in branch] == [("here", "Mul")]
    assert [value.name for value in branch.outputs] == ["a"]
