"""The losses spelt out by comparison with each class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step

INPUTS = "float[N,5] x, int64[N] t"


def test_the_target_is_chosen_by_comparison() -> None:
    assert_step(
        12,
        f'g ({INPUTS}) => (float[N] y) {{ y = NegativeLogLikelihoodLoss<reduction="none">(x, t) }}',
        f"""g ({INPUTS}) => (float[N] y) <int64[5] y_classes = {{0,1,2,3,4}}, float y_zero = {{0}}> {{
            y_Unsqueeze = Unsqueeze<axes=[1]>(t)
            y_Equal = Equal(y_Unsqueeze, y_classes)
            y_Where = Where(y_Equal, x, y_zero)
            y_ReduceSum = ReduceSum<axes=[1], keepdims=0>(y_Where)
            y = Neg(y_ReduceSum)
        }}""",
    )


def test_log_probabilities_are_handed_out() -> None:
    model = parse(12, f"g ({INPUTS}) => (float y, float[N,5] l) {{ y, l = SoftmaxCrossEntropyLoss(x, t) }}")
    lowered = step(model)
    assert "LogSoftmax" in {node.op_type for node in lowered.graph.node}
    inputs = {"x": noise((4, 5)), "t": np.array([0, 2, 1, 2])}
    assert_same_numbers(model, lowered, inputs)


def test_classes_have_to_be_counted() -> None:
    model = parse(12, "g (float[2,C] x, int64[2] t) => (float y) { y = NegativeLogLikelihoodLoss(x, t) }")
    with pytest.raises(RetargetError, match=r"12 to 11: the length of axis 1 of x is not fixed"):
        step(model)


def test_weights_are_one_for_each_class() -> None:
    model = parse(
        12, "g (float[2,3] x, int64[2] t, float[W] w) => (float y) { y = NegativeLogLikelihoodLoss(x, t, w) }"
    )
    with pytest.raises(RetargetError, match=r"12 to 11: its weights are not 3, one for each class"):
        step(model)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    operator=st.sampled_from(["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"]),
    inner=st.lists(st.integers(1, 3), max_size=2),
    reduction=st.sampled_from(["none", "mean", "sum"]),
    weighted=st.booleans(),
    ignored=st.sampled_from([None, 1, -1, 7]),
    target=st.sampled_from([11, 10, 8]),
)
def test_any_reduction_and_weights_give_the_same(
    operator: str, inner: list[int], reduction: str, weighted: bool, ignored: int | None, target: int
) -> None:
    shape, left = [3, 4, *inner], [3, *inner]
    attributes = f'reduction="{reduction}"' + (f", ignore_index={ignored}" if ignored is not None else "")
    result = f"float{left}" if reduction == "none" else "float"
    model = parse(
        12,
        f"""g (float{shape} x, int64{left} t{", float[4] w" if weighted else ""}) => ({result} y)
        {{ y = {operator}<{attributes}>(x, t{", w" if weighted else ""}) }}""",
    )
    targets = np.arange(int(np.prod(left))).reshape(left) % 4
    if ignored is not None:
        targets.reshape(-1)[0] = ignored
    inputs = {"x": noise(tuple(shape)), "t": targets}
    if weighted:
        inputs["w"] = np.abs(noise((4,), seed=5)) + np.float32(0.5)
    if reduction == "mean" and (targets == ignored).all():
        return  # nothing is counted, and nothing divided by nothing is no number
    assert_same_numbers(model, convert(model, 12, target).model, inputs, tolerance=1e-5)
