"""Det, which nothing older says."""

from __future__ import annotations

import numpy as np
import pytest

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, noise, parse, step

MODEL = "g (float[N,3,3] x) => (float[N] y) { y = Det(x) }"


def test_it_stops_at_11_with_the_reason() -> None:
    with pytest.raises(
        RetargetError, match=r"Det .*11 to 10: .*solves or factors a matrix; .* below opset 11"
    ):
        step(parse(11, MODEL))


def test_down_to_11_it_stays() -> None:
    model = parse(22, MODEL)
    lowered = convert(model, 22, 11).model
    assert [node.op_type for node in lowered.graph.node] == ["Det"]
    assert_same_numbers(model, lowered, {"x": noise((2, 3, 3)) + np.eye(3, dtype=np.float32)}, tolerance=1e-5)
