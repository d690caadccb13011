"""HardSwish in the operators of 13."""

from __future__ import annotations

from tests.opsets.comparing import assert_step


def test_hard_swish_14_to_13() -> None:
    assert_step(
        14,
        "g (float[N,4] x) => (float[N,4] y) { y = HardSwish(x) }",
        """g (float[N,4] x) => (float[N,4] y) {
            y_HardSigmoid = HardSigmoid<alpha=0.16666667, beta=0.5>(x)
            y = Mul(x, y_HardSigmoid)
        }""",
    )
