"""InstanceNormalization of images only, below 6."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step

WEIGHTS = "float[2] s = {1,2}, float[2] b = {3,1}"


def graph(shape: str, node: str, constants: str = "") -> str:
    return f"g (float[{shape}] x, {WEIGHTS}{constants}) => (float[{shape}] y) {{ {node} }}"


def test_an_image_stays() -> None:
    text = graph("N,2,3,4", "y = InstanceNormalization<epsilon=0.5>(x, s, b)")
    assert_step(6, text, text)


def test_other_axes_are_laid_in_one() -> None:
    assert_step(
        6,
        graph("N,2,5", "y = InstanceNormalization<epsilon=0.5>(x, s, b)"),
        graph(
            "N,2,5",
            """y_Reshape = Reshape(x, y_shape)
            y_InstanceNormalization = InstanceNormalization<epsilon=0.5>(y_Reshape, s, b)
            y = Reshape(y_InstanceNormalization, y_shape_1)""",
            ", int64[4] y_shape = {0,2,1,5}, int64[3] y_shape_1 = {0,2,5}",
        ),
        tolerance=1e-5,
    )


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.sampled_from(["", "<epsilon=0.5>"]))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_any_number_of_axes(lengths: list[int], attributes: str) -> None:
    shape = ",".join(map(str, ["N", 2, *lengths, 2]))
    model = parse(6, graph(shape, f"y = InstanceNormalization{attributes}(x, s, b)"))
    assert_same_numbers(model, step(model), tolerance=1e-4)
