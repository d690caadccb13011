"""BatchNormalization in eval mode."""

from __future__ import annotations

import pytest

from opsets import RetargetError
from tests.opsets.comparing import assert_step, parse, step

WEIGHTS = "float[3] s = {1,2,3}, float[3] b = {3,1,2}, float[3] m = {0.5,-1,1}, float[3] v = {1,2,0.5}"


@pytest.mark.parametrize("attributes", ["epsilon=0.25", "epsilon=0.25, training_mode=0"])
def test_an_inference_has_no_mode(attributes: str) -> None:
    assert_step(
        14,
        f"g (float[N,3,4] x) => (float[N,3,4] y) <{WEIGHTS}>"
        f" {{ y = BatchNormalization<{attributes}>(x, s, b, m, v) }}",
        f"g (float[N,3,4] x) => (float[N,3,4] y) <{WEIGHTS}>"
        " { y = BatchNormalization<epsilon=0.25>(x, s, b, m, v) }",
    )


def test_training_is_refused() -> None:
    model = parse(
        14,
        f"""g (float[N,3,4] x) => (float[N,3,4] y) <{WEIGHTS}> {{
            y, p, q = BatchNormalization<training_mode=1>(x, s, b, m, v)
        }}""",
    )
    with pytest.raises(RetargetError, match=r"BatchNormalization .*14 to 13: it is in training mode"):
        step(model)
