"""DepthToSpace in the order column, row, depth."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step


def test_dcr_is_what_the_older_form_does() -> None:
    assert_step(
        11,
        'g (float[N,8,2,3] x) => (float[N,2,4,6] y) { y = DepthToSpace<blocksize=2, mode="DCR">(x) }',
        "g (float[N,8,2,3] x) => (float[N,2,4,6] y) { y = DepthToSpace<blocksize=2>(x) }",
    )


def test_crd_is_spelt_out_and_the_batch_stays_open() -> None:
    assert_step(
        11,
        'g (float[N,8,2,3] x) => (float[N,2,4,6] y) { y = DepthToSpace<blocksize=2, mode="CRD">(x) }',
        """g (float[N,8,2,3] x) => (float[N,2,4,6] y)
        <int64[6] y_shape = {0,2,2,2,2,3}, int64[4] y_shape_1 = {0,2,4,6}> {
            y_Reshape = Reshape(x, y_shape)
            y_Transpose = Transpose<perm=[0,1,4,2,5,3]>(y_Reshape)
            y = Reshape(y_Transpose, y_shape_1)
        }""",
    )


def test_one_more_length_may_be_open() -> None:
    model = parse(
        11, 'g (float[N,8,H,3] x) => (float[N,2,I,6] y) { y = DepthToSpace<blocksize=2, mode="CRD">(x) }'
    )
    assert_same_numbers(model, step(model), {"x": noise((2, 8, 5, 3))})


def test_two_more_stay_open_too() -> None:
    model = parse(
        11, 'g (float[N,8,H,W] x) => (float[N,2,I,J] y) { y = DepthToSpace<blocksize=2, mode="CRD">(x) }'
    )
    assert_same_numbers(model, step(model), {"x": noise((2, 8, 3, 5))})


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    sizes=st.tuples(*[st.integers(1, 3)] * 4),
    block=st.integers(1, 3),
    mode=st.sampled_from(["DCR", "CRD"]),
    target=st.sampled_from([10, 7, 3]),
)
def test_any_shape_and_block_gives_the_same(
    sizes: tuple[int, int, int, int], block: int, mode: str, target: int
) -> None:
    batch, channels, height, width = sizes
    shape, left = (
        (batch, channels * block**2, height, width),
        (batch, channels, height * block, width * block),
    )
    model = parse(
        11,
        f"""g (float{list(shape)} x) => (float{list(left)} y)
        {{ y = DepthToSpace<blocksize={block}, mode="{mode}">(x) }}""",
    )
    assert_same_numbers(model, convert(model, 11, target).model, {"x": noise(shape)})
