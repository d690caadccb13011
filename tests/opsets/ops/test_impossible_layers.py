"""MaxUnpool and DeformConv end where they began."""

from __future__ import annotations

import pytest

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, parse, step


def test_max_unpool_ends_at_9() -> None:
    model = parse(
        11,
        """g (float[1,1,2,2] x) => (float[1,1,4,4] z) <int64[1,1,2,2] i = {5,7,13,15}> {
            z = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(x, i)
        }""",
    )
    assert_same_numbers(model, retarget(model, 9))
    with pytest.raises(RetargetError, match=r"MaxUnpool .*9 to 8: no older operator writes .* below opset 9"):
        retarget(model, 8)


def test_deform_conv_ends_at_19() -> None:
    model = parse(
        19,
        """g (float[1,1,3,3] x, float[1,1,2,2] w, float[1,8,2,2] o) => (float[1,1,2,2] z) {
            z = DeformConv<kernel_shape=[2,2]>(x, w, o)
        }""",
    )
    with pytest.raises(
        RetargetError, match=r"DeformConv .*19 to 18: no older operator samples .* below opset 19"
    ):
        step(model)
