"""Mish in the operators of 17."""

from __future__ import annotations

from tests.opsets.comparing import assert_step


def test_mish_18_to_17() -> None:
    assert_step(
        18,
        "g (float[N,4] x) => (float[N,4] y) { y = Mish(x) }",
        """g (float[N,4] x) => (float[N,4] y) {
            y_Softplus = Softplus(x)
            y_Tanh = Tanh(y_Softplus)
            y = Mul(x, y_Tanh)
        }""",
    )
