"""HardSwish in the operators of 13."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step
from tests.opsets.shapes import Shape, shapes


def test_hard_swish_14_to_13() -> None:
    assert_step(
        14,
        "g (float[N,4] x) => (float[N,4] y) { y = HardSwish(x) }",
        """g (float[N,4] x) => (float[N,4] y) {
            y_HardSigmoid = HardSigmoid<alpha=0.16666667, beta=0.5>(x)
            y = Mul(x, y_HardSigmoid)
        }""",
    )


@given(shapes(), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_numbers_give_the_same(shape: Shape, data: st.DataObject) -> None:
    model = parse(14, f"g (float{shape.text} x) => (float{shape.text} y) {{ y = HardSwish(x) }}")
    numbers = data.draw(arrays(np.float32, shape.lengths, elements=st.floats(-1e4, 1e4, width=32)))
    below = step(model)
    assert_same_numbers(model, below, {"x": numbers}, zeros=True)
