"""What a whole model keeps on its way down, and what is refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, checker, helper, numpy_helper, parser

from opsets import RetargetError, retarget, retarget_with_report
from tests.opsets.comparing import assert_same_numbers, noise, parse

# Written by hand in the forms that exporters write at 17: what each holds changed on the way to 12.
CLASSIFIER = """g (float[batch,3,8,8] image) => (float[batch,5] logits)
<
    float[3] one = {1.5,0.5,1}, float[3] mean = {0.25,-0.5,1}, float[3] variance = {1,2,0.5},
    float[8] gain = {1,2,3,4,5,6,7,8}, float[8] shift = {8,7,6,5,4,3,2,1},
    float[4] scales = {1,1,2,2}, int64[2] lengths = {1,2}, int64[1] channel = {1},
    int64[2] flat = {0,-1}, int64[1] begin = {0}, float low = {-3}, float high = {3}
>
{
    [stem] normal = BatchNormalization<training_mode=0>(image, one, mean, mean, variance)
    [act] active = HardSwish(normal)
    [first_norm] normed = LayerNormalization<axis=-1>(active, gain, shift)
    [clip] clipped = Clip(normed, low, high)
    [weigh] weighed = Softmax<axis=1>(clipped)
    [up] larger = Resize<mode="linear">(weighed, , scales)
    [part] first, second = Split<axis=1>(larger, lengths)
    [total] total = ReduceSum<keepdims=1>(second, channel)
    [both] both = Add(first, total)
    [thin] thin = Squeeze(both, channel)
    [wide] wide = Unsqueeze(thin, channel)
    [pooled] pooled = ReduceMean<axes=[3], keepdims=0>(wide)
    [size] size = Shape<start=0, end=1>(pooled)
    [rest] rest = Constant<value_ints=[-1]>()
    [shape] shape = Concat<axis=0>(size, rest)
    [flatten] features = Reshape<allowzero=0>(pooled, shape)
    [head] logits = MatMul(features, weights)
}"""
WEIGHTS = np.random.default_rng(3).normal(size=(16, 5)).astype(np.float32)


def classifier() -> onnx.ModelProto:
    """A whole small model at 17, one of whose weights is large and one not stored as raw bytes."""
    stamp = '<ir_version: 8, opset_import: ["": 17], producer_name: "by hand", producer_version: "1">'
    model = parser.parse_model(f"{stamp} {CLASSIFIER}")
    model.graph.initializer.append(numpy_helper.from_array(WEIGHTS, "weights"))
    checker.check_model(model, full_check=True)
    return model


@pytest.mark.parametrize("batch", [1, 3])
def test_a_whole_model_gives_the_same_numbers_at_12(batch: int) -> None:
    model = classifier()
    lowered = retarget_with_report(model, 12)
    checker.check_model(lowered.model, full_check=True)
    assert_same_numbers(model, lowered.model, {"image": noise((batch, 3, 8, 8))}, tolerance=1e-5)
    assert lowered.rewrites == (
        "Nodes folded: 2 nodes",
        "LayerNormalization 17 to 16: 1 node",
        "BatchNormalization 14 to 13: 1 node",
        "HardSwish 14 to 13: 1 node",
        "Reshape 14 to 13: 1 node",
        "Softmax 13 to 12: 1 node",
        "Resize 13 to 12: 1 node",
        "Split 13 to 12: 1 node",
        "ReduceSum 13 to 12: 1 node",
        "Squeeze 13 to 12: 1 node",
        "Unsqueeze 13 to 12: 1 node",
    )


def test_names_weights_and_the_batch_axis_are_kept() -> None:
    model = classifier()
    untouched = model.SerializeToString(deterministic=True)
    lowered = retarget(model, 12)
    assert model.SerializeToString(deterministic=True) == untouched
    assert list(lowered.graph.input) == list(model.graph.input)
    assert list(lowered.graph.output) == list(model.graph.output)
    assert lowered.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    names = [node.name for node in lowered.graph.node]
    replaced = {"size", "rest", "shape"}
    kept = [node.name for node in model.graph.node if node.name not in replaced]
    assert [name for name in names if name in kept] == kept
    assert len(set(names)) == len(names)
    assert {"first_norm_Sqrt", "weigh_Softmax"} <= set(names)
    assert (lowered.producer_name, lowered.producer_version) == ("by hand", "1")
    before = {tensor.name: tensor for tensor in model.graph.initializer}
    after = {tensor.name: tensor for tensor in lowered.graph.initializer}
    for name in ("one", "gain", "shift", "scales", "weights"):
        assert after[name] == before[name]
    assert after["weights"].raw_data == WEIGHTS.tobytes()


def test_again_is_the_same_and_so_is_another_time() -> None:
    once = retarget(classifier(), 12)
    assert retarget(once, 12) == once
    assert retarget(classifier(), 12).SerializeToString() == once.SerializeToString()


def test_nothing_dead_is_left() -> None:
    model = classifier()
    model.graph.node.append(helper.make_node("Relu", ["image"], ["unused"], name="dead"))
    model.graph.initializer.append(numpy_helper.from_array(WEIGHTS, "unused_weights"))
    lowered = retarget(model, 12).graph
    used = {name for node in lowered.node for name in node.input} | {"logits"}
    assert all(set(node.output) & used for node in lowered.node)
    assert {tensor.name for tensor in lowered.initializer} <= used


def test_at_its_own_opset_only_the_stamp_and_the_inputs_change() -> None:
    model = parse(
        12, "g (float[N,4] x, float[4] w) => (float[N,4] y) <float[4] w = {1,2,3,4}> { y = Add(x, w) }"
    )
    model.ir_version = 10
    model.graph.node[0].ClearField("domain")  # the parser writes out that it is empty
    expected = onnx.ModelProto()
    expected.CopyFrom(model)
    expected.ir_version = 7
    del expected.graph.input[1]
    assert [value.name for value in expected.graph.input] == ["x"]
    assert retarget(model, 12) == expected


def test_an_initialiser_among_the_inputs_is_a_constant() -> None:
    model = parse(
        13,
        """g (float[N,4] x, int64[1] a) => (float[N,1,4] y) <int64[1] a = {1}> { y = Unsqueeze(x, a) }""",
    )
    lowered = retarget(model, 12)
    assert [value.name for value in lowered.graph.input] == ["x"]
    assert not lowered.graph.initializer
    assert_same_numbers(model, lowered, {"x": noise((2, 4))})


def test_initialisers_are_inputs_exactly_at_ir_3() -> None:
    text = "g (float[N,4] x) => (float[N,4] y) <float[4] w = {1,2,3,4}, float[4] v = {4,3,2,1}>"
    model = parse(14, f"{text} {{ a = Add(x, w) y = Mul(a, v) }}")
    for target, stamp, inputs in ((9, 4, ["x"]), (8, 3, ["x", "w", "v"]), (7, 3, ["x", "w", "v"])):
        lowered = retarget(model, target)
        assert lowered.ir_version == stamp
        assert [value.name for value in lowered.graph.input] == inputs
        checker.check_model(lowered, full_check=True)
        assert retarget(lowered, target) == lowered
        assert_same_numbers(model, lowered, {"x": noise((2, 4))})


@pytest.mark.parametrize("target", [2, 22, 0, -1])
def test_a_target_out_of_range_is_refused(target: int) -> None:
    with pytest.raises(RetargetError, match=f"opset {target} is out of range: targets are 3 to 21"):
        retarget(classifier(), target)


def test_the_long_name_of_the_default_domain_is_understood() -> None:
    stamp = '<ir_version: 7, opset_import: ["ai.onnx": 13]>'
    model = parser.parse_model(f"{stamp} g (float[N,4] x) => (float[N,4] y) {{ y = Softmax<axis=1>(x) }}")
    lowered = retarget(model, 12)
    assert [(entry.domain, entry.version) for entry in lowered.opset_import] == [("", 12)]


@pytest.mark.parametrize("opset", [12, 13])
def test_an_invalid_model_is_refused_at_any_opset(opset: int) -> None:
    text = "g (float[2] x, float[3] z) => (float[2] y) { y = Add(x, z) }"
    model = parser.parse_model(f'<ir_version: 7, opset_import: ["": {opset}]> {text}')
    with pytest.raises(RetargetError, match=r"^the source is not a valid model: .*Add"):
        retarget(model, 12)


def test_a_model_without_opset_or_of_the_future_is_refused() -> None:
    model = classifier()
    model.opset_import[0].version = 999
    with pytest.raises(RetargetError, match="opset 999, newer than the installed onnx"):
        retarget(model, 12)
    del model.opset_import[:]
    with pytest.raises(RetargetError, match="imports no opset of the default domain"):
        retarget(model, 12)


def test_a_sparse_initialiser_is_refused() -> None:
    model = classifier()
    values = numpy_helper.from_array(np.ones(1, dtype=np.float32), "thin_weights")
    places = numpy_helper.from_array(np.zeros(1, dtype=np.int64), "places")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4]))
    with pytest.raises(RetargetError, match="'thin_weights' is sparse"):
        retarget(model, 12)


def test_an_initialiser_may_be_of_any_float_encoding() -> None:
    model = parse(13, "g (float[N,2] x) => (float[N,2] y) <float[2] w = {1,2}> { y = Add(x, w) }")
    assert model.graph.initializer[0].float_data  # the other encoding than raw bytes
    assert model.graph.initializer[0].data_type == TensorProto.FLOAT
    assert retarget(model, 12).graph.initializer[0] == model.graph.initializer[0]
