"""The forms below 6; the claims that nothing changes are executed with the others."""

from __future__ import annotations

from tests.opsets.comparing import assert_step


def test_selu_has_fewer_digits_below_6() -> None:
    assert_step(
        6,
        "g (float[2,3] x) => (float[2,3] z) { z = Selu(x) }",
        """g (float[2,3] x) => (float[2,3] z) {
            z = Selu<alpha=1.6732632, gamma=1.050701>(x)
        }""",
    )


def test_selu_keeps_what_is_given() -> None:
    assert_step(
        6,
        "g (float[2,3] x) => (float[2,3] z) { z = Selu<alpha=2.0>(x) }",
        """g (float[2,3] x) => (float[2,3] z) {
            z = Selu<alpha=2.0, gamma=1.050701>(x)
        }""",
    )
