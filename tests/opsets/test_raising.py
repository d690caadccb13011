"""The adapters of the way up, each before and after its step; claims are run in families/test_types.py."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import checker, parser

from opsets import RetargetError, retarget, retarget_with_report
from opsets.registry import ADAPTERS, Step
from tests.opsets.comparing import (
    assert_same_numbers,
    assert_step_up,
    brought_to,
    constants_of,
    noise,
    parse,
    run,
)
from tests.opsets.ops.test_group_normalization import at_18
from tests.opsets.raised_steps import STEPS, readable

ELSEWHERE: set[Step] = {("Cast", 5, 6), ("GroupNormalization", 20, 21), ("Scan", 8, 9), ("Tile", 5, 6)}
"""Below, as no runtime reads the older form, or the checker does not."""


def test_every_adapter_of_the_way_up_has_a_case() -> None:
    up = {step for step in ADAPTERS if step[2] > step[1] and step[0] != "Constant"}
    assert set(STEPS) | ELSEWHERE == up
    assert not set(STEPS) & ELSEWHERE


@pytest.mark.parametrize("step", STEPS, ids=lambda step: "-".join(map(str, step)))
def test_a_step_up_gives_the_same_numbers(step: Step) -> None:
    for before, after in STEPS[step]:
        assert_step_up(step[1], before, after, readable=readable(step[0], before))


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [("FLOAT", "float", [[1.0, 0.0]]), ("INT64", "int64", [[1, 0]]), ("bool", "bool", [[True, False]])],
)
def test_a_cast_names_its_type_by_number_from_6_on(name: str, kind: str, expected: list[object]) -> None:
    model = parse(5, f'g (int32[1,2] x) => ({kind}[1,2] z) {{ z = Cast<to="{name}">(x) }}')
    raised = retarget(model, 9)
    checker.check_model(raised, full_check=True)
    assert run(raised, {"x": np.array([[1, 0]], np.int32)})[0].tolist() == expected


def test_groups_share_the_scale_of_theirs_from_21_on() -> None:
    model = at_18(
        """g (float[2,6,3] x, float[3] s, float[3] b) => (float[2,6,3] z)
        { z = GroupNormalization<num_groups=3, epsilon=0.1>(x, s, b) }"""
    )
    raised = retarget(model, 21)
    assert [node.op_type for node in raised.graph.node] == ["Gather", "Gather", "GroupNormalization"]
    x, scale, bias = noise((2, 6, 3)), noise((3,), seed=1), noise((3,), seed=2)
    groups = x.reshape(2, 3, -1).astype(np.float64)
    centred = groups - groups.mean(axis=2, keepdims=True)
    normal = centred / np.sqrt(groups.var(axis=2, keepdims=True) + 0.1)
    expected = (normal * scale[:, None] + bias[:, None]).reshape(2, 6, 3)
    [found] = run(raised, {"x": x, "s": scale, "b": bias})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


SCAN = """g (float[{batch},2] s, float[{batch},3,2] x) => (float[{batch},2] z, float[{batch},3,2] all) {{
    z, all = Scan<num_scan_inputs=1, directions=[1], body = step (float[2] a, float[2] e)
        => (float[2] b, float[2] d) {{ b = Add(a, e) d = Neg(b) }}>(, s, x)
}}"""


def test_a_scan_loses_its_batch_of_one() -> None:
    raised = retarget(parse(8, SCAN.format(batch=1)), 12)
    checker.check_model(raised, full_check=True)
    start, x = noise((1, 2)), noise((1, 3, 2), seed=1)
    last, every = run(raised, {"s": start, "x": x})
    sums = start + x[:, ::-1].cumsum(axis=1)  # it goes through them backwards
    np.testing.assert_allclose(every, -sums, rtol=1e-6)
    np.testing.assert_allclose(last, sums[:, -1], rtol=1e-6)


@pytest.mark.parametrize(
    ("opset", "text", "message"),
    [
        (
            8,
            SCAN.format(batch=2),
            r"Scan .*, opset 8 to 9: .* more than one sequence.* possible above opset 8$",
        ),
        (
            6,
            "g (float[2,3] x) => (float[2,3] y) { [drop] y = Dropout(x) }",
            r"Dropout \(node 'drop'\), opset 6 to 7: it drops at random .* above opset 6$",
        ),
        (
            6,
            """g (float[2,3] x, float[3] s, float[3] v) => (float[2,3] y)
            { y = BatchNormalization(x, s, s, s, v) }""",
            r"BatchNormalization .* opset 6 to 7: it is in training mode; .* above opset 6$",
        ),
        (
            9,
            """g (float[1,1,2,2] x, float[4] s) => (float[1,1,A,B] y) { y = Upsample(x, s) }""",
            r"Upsample .*, by now Resize, opset 10 to 11: its scales \(s\) are computed at run time",
        ),
        (
            6,
            "g (float[2,3] x, float[3,4] y) => (float[2,3] z) { z = Add<broadcast=1, axis=1>(x, y) }",
            r"Add .*, opset 6 to 7: y has 2 axes, .*x.* from axis 1 on",
        ),
    ],
)
def test_what_cannot_go_up_names_operator_node_step_and_reason(opset: int, text: str, message: str) -> None:
    with pytest.raises(RetargetError, match=message):
        retarget(parse(opset, text), 13)


def test_an_unknown_operator_is_refused() -> None:
    """Also one that a newer opset than the model's has."""
    text = '<ir_version: 7, opset_import: ["": 12]> g (float[N] x) => (float[N] y) { y = HardSwish(x) }'
    with pytest.raises(RetargetError, match="HardSwish"):
        retarget(parser.parse_model(text), 17)


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    data=st.data(),
    operator=st.sampled_from(["Softmax", "LogSoftmax", "Hardmax"]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_softmax_over_all_axes_from_one_on(shape: list[int], data: st.DataObject, operator: str) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1), label="axis")
    lengths = ["N", *shape[1:]] if data.draw(st.booleans(), label="open batch") else shape
    kind = f"float[{','.join(map(str, lengths))}]"
    model = parse(12, f"g ({kind} x) => ({kind} y) {{ y = {operator}<axis={axis}>(x) }}")
    assert_same_numbers(model, brought_to(model, 13), {"x": noise(tuple(shape))}, 2e-6, zeros=True)


@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_run_of_axes_meets_the_same_ones(shape: list[int], data: st.DataObject) -> None:
    """OpenVINO, which reads the older form, against onnxruntime, which reads the newer one."""
    first = data.draw(st.integers(0, len(shape) - 1), label="first")
    last = data.draw(st.integers(first, len(shape)), label="last")
    run_of_axes = shape[first:last]
    text = f"float[{','.join(map(str, shape))}]"
    part = f"float[{','.join(map(str, run_of_axes))}]" if run_of_axes else "float"
    model = parse(6, f"g ({text} x, {part} y) => ({text} z) {{ z = Sub<broadcast=1, axis={first}>(x, y) }}")
    raised = retarget(model, 13)
    inputs = {"x": noise(tuple(shape)), "y": noise(tuple(run_of_axes), seed=1)}
    wide = inputs["y"].reshape([*run_of_axes, *[1] * (len(shape) - first - len(run_of_axes))])
    np.testing.assert_allclose(run(raised, inputs)[0], inputs["x"] - wide, rtol=1e-6)


BODIES = """g (float[N,4,6] x, bool c) => (float[N,4,6] y) {
    y = If (c) <
        then_branch = yes () => (float[N,4,6] a) {
            s = ReduceSum<axes=[1], keepdims=1>(x)
            w = Clip<min=0.0>(s)
            a = Add(x, w)
        },
        else_branch = no () => (float[N,4,6] b) { b = Softmax<axis=1>(x) }
    >
}"""


@pytest.mark.parametrize("condition", [False, True])
@pytest.mark.parametrize("target", [11, 13, 17, 21])
def test_branches_go_up_too(target: int, condition: bool) -> None:
    model = parse(10, BODIES)
    raised = retarget(model, target)
    checker.check_model(raised, full_check=True)
    branches = {attribute.name: attribute.g for attribute in raised.graph.node[0].attribute}
    kinds = [node.op_type for node in branches["else_branch"].node]
    assert kinds == (["Softmax"] if target < 13 else ["Flatten", "Softmax", "Reshape"])
    assert_same_numbers(model, raised, {"x": noise((2, 4, 6)), "c": np.array(condition)})


OLD = """g (float[N,3,8,8] image) => (float[N,5] logits) <
    float[4] gain = {1,2,0.5,1}, float[4] shift = {0,1,-1,0.5}, float[4] mean = {0,1,2,0},
    float[4] variance = {1,2,0.5,1}, float[4] scale = {1,0.5,2,1}, float[5] bias = {1,2,3,4,5},
    int64[2] to = {0,-1}
> {
    [conv] c = Conv<pads=[1,1,1,1], strides=[2,2]>(image, stem)
    [norm] n = BatchNormalization<is_test=1, epsilon=0.01>(c, gain, shift, mean, variance)
    [scaled] m = Mul<broadcast=1, axis=1>(n, scale)
    [act] r = Relu(m)
    [pad] p = Pad<pads=[0,0,1,1,0,0,1,1], mode="edge">(r)
    [pool] q = MaxPool<kernel_shape=[2,2], strides=[1,1]>(p)
    [cut] u = Slice<starts=[0,0], ends=[4,4], axes=[2,3]>(q)
    [drop] d = Dropout<is_test=1>(u)
    [flat] f = Reshape(d, to)
    [dense] g = Gemm<transB=1, broadcast=1>(f, head, bias)
    [prob] logits = Softmax(g)
}"""


def old_network() -> onnx.ModelProto:
    """A classifier as exporters wrote it at opset 6, its constants inputs too."""
    model = parser.parse_model(f'<ir_version: 3, opset_import: ["": 6]> {OLD}')
    for name, shape in (("stem", (4, 3, 3, 3)), ("head", (5, 64))):
        model.graph.initializer.append(onnx.numpy_helper.from_array(noise(shape) / 4, name))
    for tensor in model.graph.initializer:
        model.graph.input.append(
            onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    checker.check_model(model, full_check=True)
    return model


@pytest.mark.parametrize("target", [7, 9, 12, 13, 17, 21])
def test_an_old_network_computes_the_same_at_every_newer_opset(target: int) -> None:
    model = old_network()
    raised = retarget(model, target)
    checker.check_model(raised, full_check=True)
    if target >= 9:  # from IR 4 on
        assert [value.name for value in raised.graph.input] == ["image"]
    weights = {tensor.name: tensor for tensor in raised.graph.initializer}
    for tensor in model.graph.initializer:
        if tensor.name in ("stem", "gain", "head", "bias"):
            assert weights[tensor.name] == tensor
    assert_same_numbers(model, raised, {"image": noise((2, 3, 8, 8))}, 1e-5)
    assert retarget(raised, target) == raised


@pytest.mark.parametrize("target", [13, 17, 21])
def test_there_and_back_is_the_same(target: int) -> None:
    model = retarget(old_network(), 12)
    back = retarget(retarget(model, target), 12)
    assert [node.op_type for node in back.graph.node] == [node.op_type for node in model.graph.node]
    assert_same_numbers(model, back, {"image": noise((2, 3, 8, 8))}, 1e-6)


def test_the_report_names_the_steps_up() -> None:
    report = retarget_with_report(old_network(), 13)
    assert report.rewrites == (
        "BatchNormalization 6 to 7: 1 node",
        "Mul 6 to 7: 1 node",
        "Dropout 6 to 7: 1 node",
        "Gemm 6 to 7: 1 node",
        "Slice 9 to 10: 1 node",
        "Pad 10 to 11: 1 node",
        "Unsqueeze 12 to 13: 1 node",
        "Softmax 12 to 13: 1 node",
    )
    assert report.bounds == ()


def test_a_normalisation_of_every_element_is_spelt_out_from_9_on() -> None:
    model = parse(
        8,
        """g (float[2,3,2] x, float[3,2] s, float[3,2] b, float[3,2] m, float[3,2] v) => (float[2,3,2] z)
        { z = BatchNormalization<spatial=0, epsilon=0.1>(x, s, b, m, v) }""",
    )
    raised = retarget(model, 13)
    x, s, b, m = (noise(shape, seed=seed) for seed, shape in enumerate([(2, 3, 2), *[(3, 2)] * 3]))
    v = np.abs(noise((3, 2), seed=9))
    [found] = run(raised, dict(zip("xsbmv", (x, s, b, m, v), strict=True)))
    np.testing.assert_allclose(found, (x - m) / np.sqrt(v + 0.1) * s + b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("constant", [True, False])
def test_how_often_one_axis_is_repeated_stands_among_ones(constant: bool) -> None:
    given, made = ("", "float n = {2}, ") if constant else (", float n", "")
    text = f"g (float[2,3] x{given}) => (float[2,M] z) <{made}float a = {{1}}> {{ z = Tile(x, n, a) }}"
    raised = retarget(parse(5, text), 13)
    assert len(raised.graph.node) == (1 if constant else 4)
    x = noise((2, 3))
    inputs = {"x": x} if constant else {"x": x, "n": np.array(2, np.float32)}
    np.testing.assert_array_equal(run(raised, inputs)[0], np.tile(x, (1, 2)))


def test_bounds_of_doubles_that_are_left_out_are_those_of_float32() -> None:
    model = parse(10, "g (double[3] x) => (double[3] z) { z = Clip<min=-1.0>(x) }")
    raised = retarget(model, 13)
    largest = float(np.finfo(np.float32).max)
    assert constants_of(raised)["z_max"] == largest  # type: ignore[comparison-overlap]
    assert run(raised, {"x": np.array([-2.0, 3.0, 1e300])})[0].tolist() == [-1.0, 3.0, largest]
