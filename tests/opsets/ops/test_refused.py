"""What depends on the data, or on types that older opsets do not have, is refused with the reason."""

from __future__ import annotations

import pytest

from opsets import RetargetError, retarget
from tests.opsets.comparing import parse


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            13,
            "g (float[2,3] x) => (int64[2,M] z) { z = NonZero(x) }",
            r"NonZero \(node 'z'\), opset 9 to 8: how many places it finds is known at run time",
        ),
        (
            11,
            "g (float[3] x) => (float[M] z) { z = Unique(x) }",
            r"Unique \(node 'z'\), opset 11 to 10: how many values",
        ),
        (
            11,
            """g (float[1,2,4] b, float[1,1,2] s) => (int64[M,3] z) <int64 n = {1}> {
                z = NonMaxSuppression(b, s, n)
            }""",
            r"NonMaxSuppression \(node 'z'\), opset 10 to 9: how many boxes",
        ),
        (
            11,
            """g (float[N] x) => (float[M] z) <int64 i = {0}> {
                s = SplitToSequence(x)
                z = SequenceAt(s, i)
            }""",
            r"SplitToSequence \(node 's'\), opset 11 to 10: there are no values of sequence type below 11",
        ),
        (
            8,
            """g (float[2] x, float[1,3,2] y) => (float[1,2] z, float[1,3,2] all) {
                s = Unsqueeze<axes=[0]>(x)
                z, all = Scan <
                    num_scan_inputs = 1,
                    body = step (float[2] a, float[2] e) => (float[2] b, float[2] d)
                    { b = Add(a, e) d = Neg(b) }
                > ("", s, y)
            }""",
            r"Scan .*opset 8 to 7: no older operator but Loop goes through a tensor",
        ),
    ],
)
def test_it_stops_with_the_reason(opset: int, text: str, reason: str) -> None:
    model = parse(opset, text)
    with pytest.raises(RetargetError, match=reason):
        retarget(model, 3)
