"""Operators at opsets where they are deprecated, so that no valid model has them."""

from __future__ import annotations

import pytest
from onnx import parser

from opsets import RetargetError, retarget


@pytest.mark.parametrize(
    ("opset", "text", "message"),
    [
        (
            10,
            "g (float[1,1,2,2] x, float[4] s) => (float[A,B,C,D] y) { y = Upsample(x, s) }",
            r"Upsample \(node 'y'\), opset 10 to 9: it is deprecated from 10 on",
        ),
        (
            11,
            "g (float[2,2] x, int64[2,2] i) => (float[2,2] y) { y = Scatter(x, i, x) }",
            r"Scatter \(node 'y'\), opset 11 to 10: it is deprecated at 11 and not valid there; use Scatter",
        ),
    ],
)
def test_it_stops_with_the_reason(opset: int, text: str, message: str) -> None:
    model = parser.parse_model(f'<ir_version: 6, opset_import: ["": {opset}]> {text}')
    with pytest.raises(RetargetError, match=message):
        retarget(model, 9)
