"""Random numbers, which an older form would draw in another way."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from tests.opsets.comparing import parse, step


@pytest.mark.parametrize(
    ("opset", "text"),
    [
        (15, "g (float[2,3] x) => (float[2,3] y) { [draw] y = Bernoulli<seed=1.0>(x) }"),
        (
            7,
            """g (float[2,3] x) => (int32[2,4] y)
            { [draw] y = Multinomial<sample_size=4, seed=1.0, dtype=6>(x) }""",
        ),
    ],
)
def test_it_stops_with_the_reason(opset: int, text: str) -> None:
    model = parse(opset, text)
    with pytest.raises(
        RetargetError,
        match=rf"\(node 'draw'\), opset {opset} to {opset - 1}: .* same random numbers; it is not known",
    ):
        step(model)
