"""Open axes that get a length: what follows is folded, contradictions are named, more is possible."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from opsets import AxesError, RetargetError, StaticAxes, retarget, retarget_file, retarget_with_report
from tests.opsets.comparing import assert_same_numbers, inputs_for, noise, parse

CHAIN = """g (float[batch,3,height,width] image) => (float[batch,flat] y)
    <int64[1] zero = {0}, int64[1] rest = {-1}, float[batch,3,height,width] warm> {
        warm = Relu(image) lengths = Shape(warm) first = Gather<axis=0>(lengths, zero)
        target = Concat<axis=0>(first, rest) y = Reshape(warm, target)
    }"""


def shape_of(value: onnx.ValueInfoProto) -> list[int | str]:
    return [axis.dim_value or axis.dim_param for axis in value.type.tensor_type.shape.dim]


def fixed(text: str, opset: int, target: int, static: StaticAxes) -> onnx.ModelProto:
    """The graph with its axes fixed, of which the numbers are those of the open one."""
    model = parse(opset, text)
    result = retarget(model, target, static)
    assert_same_numbers(model, result, inputs_for(result))
    return result


@pytest.mark.parametrize("target", [12, 7, 3])
@pytest.mark.parametrize("static", [StaticAxes({"image": (2, 3, 4, 5)}), StaticAxes(batch=2)])
def test_what_follows_from_a_length_is_folded_and_declared(target: int, static: StaticAxes) -> None:
    """At the opset that the model has already, too."""
    text = CHAIN if static.shapes else CHAIN.replace("height", "4").replace("width", "5")
    result = fixed(text, 12, target, static)
    assert [node.op_type for node in result.graph.node] == ["Relu", "Reshape"]
    assert shape_of(result.graph.input[0]) == [2, 3, 4, 5]
    assert shape_of(result.graph.output[0]) == [2, 60]
    declared = {value.name: shape_of(value) for value in result.graph.value_info}
    assert declared == {"warm": [2, 3, 4, 5]}


def test_the_report_says_which_inputs_are_fixed() -> None:
    report = retarget_with_report(parse(12, CHAIN), 12, StaticAxes(batch=4))
    assert report.rewrites == ("Input fixed: 'image' is 4x3xheightxwidth", "Nodes folded: 3 nodes")
    assert shape_of(report.model.graph.input[0]) == [4, 3, "height", "width"]


def test_axes_of_one_name_have_one_length_also_of_other_inputs() -> None:
    text = "g (float[N,3] a, float[N,3] b) => (float[N,3] y) { y = Add(a, b) }"
    result = fixed(text, 12, 3, StaticAxes({"a": (5, 3)}))
    assert [shape_of(value) for value in (*result.graph.input[:2], *result.graph.output)] == [[5, 3]] * 3


def test_a_name_that_stands_for_several_axes_of_an_input_says_nothing() -> None:
    text = "g (float[N,3,N] x) => (float[N,3,N] y) { y = Relu(x) }"
    assert shape_of(fixed(text, 12, 12, StaticAxes(batch=2)).graph.output[0]) == [2, 3, "N"]
    result = fixed(text, 12, 12, StaticAxes({"x": (2, 3, 4)}))
    assert shape_of(result.graph.output[0]) == [2, 3, 4]


def test_an_input_without_a_declared_shape_gets_one() -> None:
    text = "g (float[N,3] x) => (float[N,3] y) { y = Relu(x) }"
    model = parse(12, text)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    result = retarget(model, 12, StaticAxes({"x": (2, 3)}))
    assert shape_of(result.graph.input[0]) == [2, 3]
    with pytest.raises(AxesError, match="the input 'x' declares no axes, so none is its batch"):
        retarget(model, 12, StaticAxes(batch=2))


@pytest.mark.parametrize("length", [0, -1])
def test_a_length_that_stands_for_an_open_axis_is_open(length: int) -> None:
    model = parse(12, "g (float[N,3] x) => (float[N,3] y) { y = Relu(x) }")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = length
    assert shape_of(retarget(model, 12, StaticAxes(batch=2)).graph.input[0]) == [2, 3]


def test_a_scalar_input_has_no_batch() -> None:
    text = "g (float[N,3] x, float s) => (float[N,3] y) { y = Mul(x, s) }"
    result = retarget(parse(12, text), 12, StaticAxes(batch=2))
    assert [shape_of(value) for value in result.graph.input] == [[2, 3], []]


INPUT = "g (float[batch,3,H,8] image, float[4,2] table) => (float[batch,3,H,8] y, float[4,2] t) "
INPUT += "{ y = Relu(image) t = Relu(table) }"


@pytest.mark.parametrize(
    ("shapes", "batch", "words"),
    [
        (
            {"imgae": (1, 3, 8, 8)},
            None,
            "the model has no input 'imgae', did you mean 'image'? it has 'image', 'table'",
        ),
        ({"weights": (1,)}, None, "the model has no input 'weights'; it has 'image', 'table'"),
        (
            {"image": (1, 3, 8)},
            None,
            "the input 'image' has 4 axes (?x3x?x8), and 3 lengths are given (1x3x8); give one for each",
        ),
        ({"image": (1, 3, 0, 8)}, None, "axis 2 of the input 'image' cannot be 0: the least length is 1"),
        (
            {"image": (1, 4, 8, 8)},
            None,
            "axis 1 of the input 'image' cannot be 4: the model has fixed it at 3; give that, or export",
        ),
        ({}, 1, "axis 0 of the input 'table' cannot be 1: the model has fixed it at 4"),
        (
            {"image": (1, 3, 8, 8)},
            4,
            "the first axis of the input 'image' is asked to be 4 as the batch and 1 in its shape",
        ),
    ],
)
def test_lengths_that_do_not_suit_the_inputs_are_named(
    shapes: Mapping[str, tuple[int, ...]], batch: int | None, words: str
) -> None:
    with pytest.raises(AxesError) as caught:
        retarget(parse(12, INPUT), 12, StaticAxes(shapes, batch))
    assert str(caught.value).startswith(words)


def test_two_lengths_for_one_name_are_named() -> None:
    text = "g (float[N,3] a, float[N,3] b) => (float[N,3] y) { y = Add(a, b) }"
    with pytest.raises(AxesError) as caught:
        retarget(parse(12, text), 12, StaticAxes({"a": (1, 3), "b": (2, 3)}))
    assert str(caught.value) == (
        "axis 0 (N) of the input 'a' and axis 0 (N) of the input 'b' have one name, for one length, and are "
        "asked to be 1 and 2"
    )


@pytest.mark.parametrize(
    ("text", "static", "words"),
    [
        (
            "g (float[batch,3,8,8] x) => (float[4,192] y) <int64[2] s = {4, 192}> { [r] y = Reshape(x, s) }",
            StaticAxes(batch=1),
            "axis 0 (batch) of the input 'x' cannot be 1: Reshape (node 'r') takes 768 elements and is given "
            "192; 4 would do",
        ),
        (
            "g (float[batch,3,8,8] x) => (float[batch,A] y) <int64[2] s = {4, -1}> { y = Reshape(x, s) }",
            StaticAxes(batch=2),
            "axis 0 (batch) of the input 'x' cannot be 2: axis 0 of the output 'y' is called so too, and is "
            "4 whatever the input is; 4 would do",
        ),
        (
            "g (float[N,1,H,H] x) => (float[N,2] y) <int64[2] s = {0, -1}> { p = MaxPool<kernel_shape=[2,2],"
            " strides=[2,2]>(x) f = Reshape(p, s) [fc] y = Gemm(f, weight) }",
            StaticAxes({"x": (1, 1, 9, 9)}),
            "axis 2 (H) of the input 'x' cannot be 9: Gemm (node 'fc') takes 9 features and is given 16; "
            "6 to 7 would do",
        ),
        (
            "g (float[N,1,H,W] x) => (float[N,1,A,B] y) { [pool] y = MaxPool<kernel_shape=[5,5]>(x) }",
            StaticAxes({"x": (1, 1, 3, 8)}),
            "axis 2 (H) of the input 'x' cannot be 3: MaxPool (node 'pool') has a window that is longer than "
            "axis 2 of what it is given; 5 and more would do",
        ),
        (
            "g (float[N,C] x, float[1,4] z) => (float[N,D] y) { [sum] y = Add(x, z) }",
            StaticAxes({"x": (2, 3)}),
            "axis 1 (C) of the input 'x' cannot be 3: Add (node 'sum') takes 4 elements along axis -1 and is "
            "given 3; 4 would do",
        ),
        (
            "g (float[N,C] x, float[M,D] z) => (float[A,B] y) { [both] y = Concat<axis=1>(x, z) }",
            StaticAxes({"x": (2, 3), "z": (4, 3)}),
            "axis 0 (N) of the input 'x' and axis 0 (M) of the input 'z' cannot be 2 and 4: Concat (node "
            "'both') takes 2 elements along axis 0 and is given 4",
        ),
        (
            "g (float[N,K] x) => (float[N,2] y) <float[3,2] w = {1,2,3,4,5,6}> { [dense] y = MatMul(x, w) }",
            StaticAxes({"x": (2, 4)}),
            "axis 1 (K) of the input 'x' cannot be 4: MatMul (node 'dense') takes 3 features and is given 4; "
            "3 would do",
        ),
        (
            "g (float[N,C,4,4] x) => (float[N,1,3,3] y) <float[1,2,2,2] w = {1,2,3,4,5,6,7,8}>"
            " { [conv] y = Conv(x, w) }",
            StaticAxes({"x": (1, 3, 4, 4)}),
            "axis 1 (C) of the input 'x' cannot be 3: Conv (node 'conv') takes 2 channels and is given 3; 2 "
            "would do",
        ),
    ],
)
def test_what_the_graph_cannot_be_computed_with_is_named(text: str, static: StaticAxes, words: str) -> None:
    model = parser.parse_model(f'<ir_version: 7, opset_import: ["": 12]> {text}')
    if "weight)" in text:
        model.graph.initializer.append(numpy_helper.from_array(np.ones((9, 2), np.float32), "weight"))
    with pytest.raises(AxesError) as caught:
        retarget(model, 12, static)
    assert str(caught.value) == words


RESIZE = """g (float[N,2,H,W] x, float[N,2,A,B] like) => (float[N,2,A,B] y) <float[0] none = {}> {
        lengths = Shape(like) [up] y = Resize<mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric">(x, none, none, lengths)
    }"""


@pytest.mark.parametrize(
    ("text", "opset", "target", "static", "open_axes"),
    [
        (
            RESIZE,
            13,
            9,
            StaticAxes({"x": (1, 2, 3, 4), "like": (1, 2, 6, 8)}),
            {("x", 2), ("x", 3), ("like", 2), ("like", 3)},
        ),
        (
            """g (float[N,C] x, float[N,D] z) => (float[N,E] y) <int64 one = {1}> {
                a = CumSum(x, one) b = CumSum(z, one) y = Add(a, b)
            }""",
            13,
            3,
            StaticAxes({"x": (2, 4), "z": (2, 4)}),
            {("x", 1), ("z", 1)},
        ),
    ],
)
def test_fixing_axes_leads_to_opsets_that_are_not_possible_with_open_ones(
    text: str, opset: int, target: int, static: StaticAxes, open_axes: set[tuple[str, int]]
) -> None:
    model = parse(opset, text)
    with pytest.raises(RetargetError, match="would help") as caught:
        retarget(model, target)
    assert open_axes <= set(caught.value.open_axes)
    inputs = {name: noise(tuple(shape)) for name, shape in static.shapes.items()}
    assert_same_numbers(model, retarget(model, target, static), inputs)


def test_a_model_file_keeps_its_weights_on_disk(tmp_path: Path) -> None:
    weight = noise((300, 2))
    model = parse(12, "g (float[batch,300] x, float[300,2] w) => (float[batch,2] y) { y = MatMul(x, w) }")
    del model.graph.input[1]
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    inner = onnx.ModelProto()
    inner.CopyFrom(model)
    onnx.save(inner, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    report = retarget_file(tmp_path / "m.onnx", 7, tmp_path / "out.onnx", static=StaticAxes(batch=1))
    result = onnx.load(tmp_path / "out.onnx")
    assert report.rewrites[0] == "Input fixed: 'x' is 1x300"
    assert shape_of(result.graph.output[0]) == [1, 2]
    assert_same_numbers(model, result, {"x": noise((1, 300))})
    (tmp_path / "m.data").rename(tmp_path / "gone")
    with pytest.raises(RetargetError, match=r"m\.data"):
        retarget_file(tmp_path / "m.onnx", 7, tmp_path / "none.onnx", static=StaticAxes(batch=1))
    assert not (tmp_path / "none.onnx").exists()
