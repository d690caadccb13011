"""SpaceToDepth in the order column, row, depth."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


@pytest.mark.parametrize("form", ["blocksize=2", 'blocksize=2, mode="DCR"'])
def test_dcr_is_what_the_older_form_does(form: str) -> None:
    assert_step(
        28,
        f"g (float[N,2,4,6] x) => (float[N,8,2,3] y) {{ y = SpaceToDepth<{form}>(x) }}",
        "g (float[N,2,4,6] x) => (float[N,8,2,3] y) { y = SpaceToDepth<blocksize=2>(x) }",
    )


def test_crd_is_spelt_out_and_the_batch_stays_open() -> None:
    assert_step(
        28,
        'g (float[N,2,4,6] x) => (float[N,8,2,3] y) { y = SpaceToDepth<blocksize=2, mode="CRD">(x) }',
        """g (float[N,2,4,6] x) => (float[N,8,2,3] y)
        <int64[6] y_shape = {0,2,2,2,3,2}, int64[4] y_shape_1 = {0,8,2,3}> {
            y_Reshape = Reshape(x, y_shape)
            y_Transpose = Transpose<perm=[0,1,3,5,2,4]>(y_Reshape)
            y = Reshape(y_Transpose, y_shape_1)
        }""",
    )


def test_an_open_picture_is_refused() -> None:
    model = parse(
        28, 'g (float[N,2,H,W] x) => (float[N,8,I,J] y) { y = SpaceToDepth<blocksize=2, mode="CRD">(x) }'
    )
    with pytest.raises(RetargetError, match=r"SpaceToDepth .*28 to 27: .*axis 2 of x"):
        step(model)


@given(
    sizes=st.tuples(*[st.integers(1, 3)] * 4),
    block=st.integers(1, 3),
    mode=st.sampled_from(["DCR", "CRD"]),
    target=st.sampled_from([27, 12, 7]),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_shape_and_block_gives_the_same(
    sizes: tuple[int, int, int, int], block: int, mode: str, target: int
) -> None:
    batch, channels, height, width = sizes
    shape = (batch, channels, height * block, width * block)
    left = (batch, channels * block**2, height, width)
    model = parse(
        28,
        f"""g (float{list(shape)} x) => (float{list(left)} y)
        {{ y = SpaceToDepth<blocksize={block}, mode="{mode}">(x) }}""",
    )
    assert_same_numbers(model, convert(model, 28, target).model, {"x": noise(shape)})
