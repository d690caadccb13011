"""Optional values, which nothing older can say."""

from __future__ import annotations

import pytest

from opsets import RetargetError, retarget
from tests.opsets.comparing import parse


def test_optional_values_are_refused_with_the_reason() -> None:
    model = parse(
        15,
        """g (float[2] x) => (float[2] y) {
            o = Optional(x)
            y = OptionalGetElement(o)
        }""",
    )
    with pytest.raises(
        RetargetError, match=r"Optional .*'o'.*15 to 14: there are no values of optional type"
    ):
        retarget(model, 12)
