"""What holds for a whole model at every target."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import pytest
from onnx import checker, numpy_helper, parser

from opsets import HIGHEST_TARGET, LOWEST_TARGET, StaticAxes, ir_version, retarget, retarget_with_report
from tests.opsets.comparing import Array, noise, run_onnxruntime, run_openvino

TARGETS = range(LOWEST_TARGET, HIGHEST_TARGET + 1)

# Written by hand in the forms of 21: a stem, a gated block, a transformer block and a head.
TEXT = """g (float[batch,3,8,8] image) => (float[batch,5] logits, float[batch,4,3] features)
<
    int64[8] border = {0,0,1,1,0,0,1,1}, float border_value = {0.25}, float low = {0}, float six = {6},
    int64[2] spatial = {-2,-1}, float[4] twice = {1,1,2,2}, int64[2] parts = {2,2}, int64[3] every = {0,0,-1},
    float[1,1,3] token = {0.5,-0.25,1}, float[3] norm_scale = {1,2,3}, float[3] norm_shift = {3,2,1},
    float scaling = {0.577}, int64 along = {-1}, int64[1] token_axis = {1}, int64 third = {2}
>
{
    [pad] padded = Pad<mode="constant">(image, border, border_value)
    [stem] stem_out = Conv<strides=[2,2]>(padded, stem_weight, stem_bias)
    [group] grouped = GroupNormalization<num_groups=2>(stem_out, group_scale, group_shift)
    [act] active = HardSwish(grouped)
    [up] larger = Resize<mode="nearest">(active, , twice)
    [pool] pooled = AveragePool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>(larger)

    [squeeze] squeezed = ReduceMean<keepdims=1>(pooled, spatial)
    [reduce] reduced = Conv(squeezed, gate_weight)
    [clip] clipped = Clip(reduced, low, six)
    [gate] gate = HardSigmoid(clipped)
    [gated] gated = Mul(pooled, gate)
    [gelu] bent = Gelu(gated)

    [halves] left, right = Split<axis=-3>(bent, parts)
    [joined] joined = Concat<axis=-3>(right, left)
    [flat] flat = Reshape(joined, every)
    [size] size = Shape<start=0, end=1>(flat)
    [rest] rest = Constant<value_ints=[1, 3]>()
    [wanted] wanted = Concat<axis=0>(size, rest)
    [class] classes = Expand(token, wanted)
    [project] patches = MatMul(flat, projection)
    [tokens] tokens = Concat<axis=-2>(classes, patches)
    [norm] normed = LayerNormalization<axis=-1, epsilon=0.001>(tokens, norm_scale, norm_shift)
    [scores] scores = Einsum<equation="bid,bjd->bij">(normed, normed)
    [scaled] scaled = Mul(scores, scaling)
    [attend] attention = Softmax<axis=-1>(scaled)
    [mixed] mixed = MatMul(attention, normed)
    [residual] tokens_2 = Add(tokens, mixed)
    [erf] errors = Erf(tokens_2)
    [summed] summed = CumSum(errors, along)
    [cut] features = Slice(summed, token_axis, many, token_axis)
    [pick] picked = Gather<axis=1>(summed, third)
    [head] logits = Gemm<transB=1>(picked, head_weight, head_bias)
}"""
TOLERANCE = 1e-5
"""Of the largest number: the order of sums differs, and below 9 Erf is a rational function."""


@cache
def model() -> onnx.ModelProto:
    result = parser.parse_model(f'<ir_version: 10, opset_import: ["": 21], producer_name: "by hand"> {TEXT}')
    generator = np.random.default_rng(5)
    shapes = {
        "stem_weight": (4, 3, 3, 3),
        "stem_bias": (4,),
        "group_scale": (4,),
        "group_shift": (4,),
        "gate_weight": (4, 4, 1, 1),
        "projection": (16, 3),
        "head_weight": (5, 3),
        "head_bias": (5,),
    }
    for name, shape in shapes.items():
        weights = generator.normal(size=shape).astype(np.float32) / 2
        result.graph.initializer.append(numpy_helper.from_array(weights, name))
    result.graph.initializer.append(numpy_helper.from_array(np.array([2**63 - 1]), "many"))
    checker.check_model(result, full_check=True)
    return result


@cache
def lowered(target: int) -> onnx.ModelProto:
    return retarget(model(), target)


@cache
def expected(batch: int) -> tuple[Array, ...]:
    return tuple(run_onnxruntime(model(), {"image": noise((batch, 3, 8, 8))}))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("target", TARGETS)
def test_the_numbers_are_the_same(target: int, batch: int) -> None:
    image = {"image": noise((batch, 3, 8, 8))}
    runtimes = [run_openvino] if target < 7 else [run_onnxruntime, run_openvino]
    for run in runtimes:
        for one, other in zip(expected(batch), run(lowered(target), image), strict=True):
            assert one.shape == other.shape
            assert np.abs(one).max() > 0.1
            np.testing.assert_allclose(other, one, atol=TOLERANCE * np.abs(one).max(), rtol=0)


@pytest.mark.parametrize("target", TARGETS)
def test_so_they_are_where_the_batch_is_fixed(target: int) -> None:
    fixed = retarget(model(), target, StaticAxes(batch=1))
    first = [value.type.tensor_type.shape.dim[0] for value in (fixed.graph.input[0], *fixed.graph.output)]
    assert [axis.dim_value for axis in first] == [1, 1, 1]
    assert not {"Expand", "Shape"} & {node.op_type for node in fixed.graph.node}
    run = run_openvino if target < 7 else run_onnxruntime
    for one, other in zip(expected(1), run(fixed, {"image": noise((1, 3, 8, 8))}), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, atol=TOLERANCE * np.abs(one).max(), rtol=0)


def test_the_numbers_depend_on_every_picture() -> None:
    for output in expected(3):
        assert np.abs(output[0] - output[1]).max() > 0.01 * np.abs(output).max()


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_valid_and_stamped(target: int) -> None:
    result = lowered(target)
    checker.check_model(result, full_check=True)
    assert [(entry.domain, entry.version) for entry in result.opset_import] == [("", target)]
    assert result.ir_version == ir_version(target)
    assert result.producer_name == "by hand"
    inputs, constants = (
        [value.name for value in part] for part in (result.graph.input, result.graph.initializer)
    )
    assert inputs == (["image", *inputs[1:]] if result.ir_version < 4 else ["image"])
    assert set(inputs[1:]) == (set(constants) if result.ir_version < 4 else set())
    assert len(inputs) == len(set(inputs))


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_and_outputs_are_as_they_were(target: int) -> None:
    source, result = model().graph, lowered(target).graph
    assert result.input[0] == source.input[0]
    assert list(result.output) == list(source.output)
    assert result.output[1].type.tensor_type.shape.dim[0].dim_param == "batch"


@pytest.mark.parametrize("target", TARGETS)
def test_names_are_unique_and_those_of_nodes_stay(target: int) -> None:
    nodes = lowered(target).graph.node
    names = [node.name for node in nodes]
    assert all(names)
    assert len(names) == len(set(names))
    values = [value for node in nodes for value in node.output] + [
        value.name for value in lowered(target).graph.initializer
    ]
    assert len(values) == len(set(values))
    source = [node.name for node in model().graph.node if node.name not in ("size", "rest", "wanted")]
    assert [name for name in names if name in source] == source
    makers = {node.output[0]: node.name for node in model().graph.node}
    for node in nodes:
        for value in node.output:
            assert makers.get(value, node.name) == node.name


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_dead_is_left(target: int) -> None:
    graph = lowered(target).graph
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    for node in graph.node:
        assert set(node.output) & used, node.name
    assert {tensor.name for tensor in graph.initializer} <= used


@pytest.mark.parametrize("target", TARGETS)
def test_weights_are_kept_byte_for_byte(target: int) -> None:
    """All constants of floats but the factors of Resize, which are parameters."""
    after = {tensor.name: tensor for tensor in lowered(target).graph.initializer}
    for tensor in model().graph.initializer:
        if tensor.dims and tensor.data_type == onnx.TensorProto.FLOAT and tensor.name != "twice":
            assert after[tensor.name] == tensor


@pytest.mark.parametrize("target", [target for target in TARGETS if target < 11])
def test_no_negative_axis_is_left_below_11(target: int) -> None:
    for node in lowered(target).graph.node:
        for attribute in node.attribute:
            if attribute.name in ("axis", "axes"):
                numbers = onnx.helper.get_attribute_value(attribute)
                assert min(np.atleast_1d(numbers)) >= 0, node.name


@pytest.mark.parametrize("target", TARGETS)
def test_again_and_another_time_give_the_same_bytes(target: int) -> None:
    once = lowered(target).SerializeToString(deterministic=True)
    again = retarget_with_report(lowered(target), target)
    assert again.model.SerializeToString(deterministic=True) == once
    assert again.rewrites == ()
    assert retarget(model(), target).SerializeToString(deterministic=True) == once


def test_in_steps_it_comes_to_the_same() -> None:
    stepped = lowered(12)
    for target in (7, 3):
        stepped = retarget(stepped, target)
    checker.check_model(stepped, full_check=True)
    image = {"image": noise((3, 3, 8, 8))}
    direct = run_openvino(lowered(3), image)
    for one, other in zip(direct, run_openvino(stepped, image), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-6 * np.abs(one).max(), rtol=0)


def test_the_bounds_say_where_it_is_not_exact() -> None:
    assert retarget_with_report(model(), 11).bounds == ()
    sums = "CumSum below 11: an inf or a NaN makes every sum of its row NaN"
    assert retarget_with_report(model(), 9).bounds == (sums,)
    assert retarget_with_report(model(), 3).bounds == (
        sums,
        "Erf below 9: absolute error at most 1e-6",
        "Expand below 8: exact unless the input that the length is taken from holds a NaN",
    )
