"""BatchNormalization in eval mode, and in training mode where it can be spelt out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from opsets.conversion import convert
from opsets.retargeting import retarget_with_report
from parity.raising import raise_to_9
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step

WEIGHTS = "float[3] s = {1,2,3}, float[3] b = {3,1,2}, float[3] m = {0.5,-1,1}, float[3] v = {1,2,0.5}"
IMAGE = "g (float[N,3,4,2] x) => (float[N,3,4,2] y)"


def graph(attributes: str, opset: int) -> str:
    node = f"{{ y = BatchNormalization<{attributes}>(x, s, b, m, v) }}"
    if opset < 9:  # constants are inputs too
        return f"{IMAGE.replace(' x)', f' x, {WEIGHTS})')} {node}"
    return f"{IMAGE} <{WEIGHTS}> {node}"


@pytest.mark.parametrize("attributes", ["epsilon=0.25", "epsilon=0.25, training_mode=0"])
def test_an_inference_has_no_mode(attributes: str) -> None:
    assert_step(14, graph(attributes, 14), graph("epsilon=0.25", 13))


@pytest.mark.parametrize(
    ("opset", "given_", "wanted"),
    [
        (9, "epsilon=0.25, momentum=0.5", "epsilon=0.25, momentum=0.5"),
        (7, "epsilon=0.25", "epsilon=0.25, is_test=1"),
        (6, "epsilon=0.25, is_test=1", "epsilon=0.25, is_test=1, consumed_inputs=[0,0,0,1,1]"),
    ],
)
def test_old_forms_say_that_they_infer(opset: int, given_: str, wanted: str) -> None:
    assert_step(opset, graph(given_, opset), graph(wanted, opset - 1))


@given(
    lengths=st.lists(st.integers(1, 4), max_size=3),
    epsilon=st.sampled_from([1e-5, 0.5]),
    channels=st.integers(1, 5),
)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_image_all_the_way_down(lengths: list[int], epsilon: float, channels: int) -> None:
    shape = ",".join(map(str, ["N", channels, *lengths]))
    vectors = ", ".join(f"float[{channels}] {name}" for name in "sbmw")
    model = parse(
        15,
        f"""g (float[{shape}] x, {vectors}) => (float[{shape}] y) {{
            v = Abs(w) y = BatchNormalization<epsilon={epsilon}>(x, s, b, m, v)
        }}""",
    )
    assert_same_numbers(model, retarget(model, 7))
    assert_same_numbers(model, retarget(model, 3), tolerance=1e-5)


@given(lengths=st.lists(st.integers(1, 4), max_size=3), momentum=st.sampled_from([0.9, 0.25]))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_training_moves_the_running_mean_and_variance(lengths: list[int], momentum: float) -> None:
    shape = ",".join(map(str, ["N", 3, *lengths]))
    text = f"""g (float[{shape}] x) => (float[{shape}] y, float[3] p, float[3] q) <{WEIGHTS}> {{
        y, p, q = BatchNormalization<training_mode=1, momentum={momentum}>(x, s, b, m, v)
    }}"""
    model = parse(14, text)
    inputs = {"x": noise((4, 3, *lengths), np.float32)}
    assert_same_numbers(model, step(model), inputs, tolerance=1e-5)


def test_training_is_refused_where_the_number_of_outputs_says_it() -> None:
    outputs = ", ".join(f"float[3] {name}" for name in "pqrt")
    model = parse(
        9,
        f"""g (float[N,3,4] x) => (float[N,3,4] y, {outputs}) <{WEIGHTS}> {{
            y, p, q, r, t = BatchNormalization(x, s, b, m, v)
        }}""",
    )
    with pytest.raises(RetargetError, match=r"BatchNormalization .*9 to 8: it is in training mode"):
        step(model)


@pytest.mark.parametrize(
    ("opset", "scale", "mean"), [(15, "float", "float"), (15, "float", "float16"), (14, "float16", "float")]
)
def test_half_precision_with_statistics_in_float32_is_computed_in_float32(
    opset: int, scale: str, mean: str
) -> None:
    text = f"""g (float16[N,3,4,2] x, {scale}[3] s, {scale}[3] b, {mean}[3] m, {mean}[3] a)
    => (float16[N,3,4,2] y) {{ v = Abs(a) y = BatchNormalization<epsilon=0.25>(x, s, b, m, v) }}"""
    model = parse(opset, text)
    for target in (13, 7, 6, 3):
        lowered = retarget_with_report(model, target) if target < 13 else convert(model, opset, target)
        assert lowered.bounds == ()
        assert [node.op_type for node in lowered.model.graph.node].count("BatchNormalization") == 1
        if target < 7:
            raise_to_9(lowered.model)  # no other runtime reads a Cast below 6
        assert_same_numbers(model, lowered.model)


def test_an_inference_in_two_types_is_three_nodes() -> None:
    vectors = ", ".join(f"float[3] {name}" for name in "sbma")
    before = "g (float16[N,3,4] x, {}) => (float16[N,3,4] y) {{ {} }}"
    assert_step(
        15,
        before.format(vectors, "v = Abs(a) y = BatchNormalization<epsilon=0.25>(x, s, b, m, v)"),
        before.format(
            vectors,
            """v = Abs(a) y_Cast = Cast<to=1>(x) y_BatchNormalization = BatchNormalization<epsilon=0.25>
            (y_Cast, s, b, m, v) y = Cast<to=10>(y_BatchNormalization)""",
        ),
    )


def test_training_in_two_types_moves_each_in_its_own() -> None:
    text = """g (float16[N,3,4] x, float16[3] s, float16[3] b, float[3] m, float[3] a)
    => (float16[N,3,4] y, float[3] p, float[3] q) {
        v = Abs(a) y, p, q = BatchNormalization<training_mode=1>(x, s, b, m, v) }"""
    model = parse(14, text)
    assert_same_numbers(model, step(model), tolerance=2e-3)


def test_one_axis_is_refused() -> None:
    model = parse(
        9,
        """g (float[4] x, float[1] s, float[1] b, float[1] m, float[1] v) => (float[4] y) {
            y = BatchNormalization(x, s, b, m, v)
        }""",
    )
    with pytest.raises(RetargetError, match=r"9 to 8: its data has one axis"):
        step(model)


def test_what_is_no_image_is_laid_out_as_one_below_6() -> None:
    inputs = f"float[N,3,5] x, {WEIGHTS}"
    assert_step(
        6,
        f"g ({inputs}) => (float[N,3,5] y) {{ y = BatchNormalization<is_test=1>(x, s, b, m, v) }}",
        f"""g ({inputs}, int64[4] y_shape = {{0,3,1,5}}, int64[3] y_shape_1 = {{0,3,5}})
        => (float[N,3,5] y) {{
            y_Reshape = Reshape(x, y_shape)
            y_BatchNormalization = BatchNormalization<is_test=1, consumed_inputs=[0,0,0,1,1]>
                (y_Reshape, s, b, m, v)
            y = Reshape(y_BatchNormalization, y_shape_1)
        }}""",
    )


def test_lines_of_open_length_are_laid_out_as_images_below_6() -> None:
    node = "y = BatchNormalization<is_test=1>(x, s, b, m, v)"
    model = parse(6, f"g (float[N,3,L] x, {WEIGHTS}) => (float[N,3,L] y) {{ {node} }}")
    for opset in (5, 3):
        lowered = retarget(model, opset)
        assert_same_numbers(model, lowered, {"x": noise((2, 3, 7))})
