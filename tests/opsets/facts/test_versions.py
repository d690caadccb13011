"""The IR version of each opset."""

from __future__ import annotations

import pytest

from opsets.facts.versions import ir_version, since_version


@pytest.mark.parametrize(
    ("opset", "expected"),
    [(3, 3), (4, 3), (5, 3), (6, 3), (7, 3), (8, 3), (9, 4), (10, 5), (11, 6), (12, 7)],
)
def test_the_ir_version_is_that_of_the_release(opset: int, expected: int) -> None:
    assert ir_version(opset) == expected


def test_since_version() -> None:
    assert since_version("Softmax", 12) == 11
    assert since_version("Softmax", 13) == 13
    assert since_version("HardSwish", 13) is None
