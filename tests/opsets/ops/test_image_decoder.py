"""ImageDecoder, which nothing older says."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from tests.opsets.comparing import parse, step


def test_it_stops_with_the_reason() -> None:
    model = parse(20, "g (uint8[M] x) => (uint8[H,W,C] y) { [decode] y = ImageDecoder(x) }")
    with pytest.raises(
        RetargetError,
        match=r"ImageDecoder \(node 'decode'\), opset 20 to 19: .*compressed picture; .* below opset 20",
    ):
        step(model)
