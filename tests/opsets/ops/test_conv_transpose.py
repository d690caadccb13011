"""ConvTranspose with its padding written out."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step


def graph(attributes: str, shape: str = "N,2,5,4") -> str:
    return f"""g (float[{shape}] x, float[2,3,3,2] w) => (float[N,3,H,W] y) {{
        y = ConvTranspose<{attributes}>(x, w)
    }}"""


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ("strides=[2,2], pads=[1,0,0,1]", "strides=[2,2], pads=[1,0,0,1]"),
        ('strides=[2,2], auto_pad="SAME_UPPER"', "strides=[2,2], pads=[0,0,1,0]"),
        ('strides=[2,2], auto_pad="SAME_LOWER"', "strides=[2,2], pads=[1,0,0,0]"),
        ('strides=[2,2], auto_pad="VALID"', "strides=[2,2], pads=[0,0,0,0]"),
        ("strides=[2,2], output_shape=[8,7]", "strides=[2,2], pads=[2,1,1,0]"),
        ('strides=[2,2], output_shape=[8,7], auto_pad="SAME_UPPER"', "strides=[2,2], pads=[1,0,2,1]"),
        ("strides=[2,2], output_shape=[12,8]", "strides=[2,2], pads=[0,0,0,0], output_padding=[1,0]"),
        (
            "strides=[2,2], output_shape=[9,8], output_padding=[1,0]",
            "strides=[2,2], pads=[2,0,1,0], output_padding=[1,0]",
        ),
    ],
)
def test_padding_is_written_out(given_: str, wanted: str) -> None:
    assert_step(11, graph(given_), graph(wanted), tolerance=1e-5)


def test_an_auto_pad_needs_no_lengths() -> None:
    above = parse(11, graph('strides=[2,2], auto_pad="SAME_LOWER"', "N,2,A,B"))
    assert_same_numbers(above, step(above), tolerance=1e-5)


@given(
    kernel=st.lists(st.integers(1, 4), min_size=2, max_size=2),
    strides=st.lists(st.integers(1, 3), min_size=2, max_size=2),
    dilations=st.lists(st.integers(1, 2), min_size=2, max_size=2),
    automatic=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "NOTSET"]),
    cut=st.lists(st.integers(0, 4), min_size=2, max_size=2),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_output_shape(
    kernel: list[int], strides: list[int], dilations: list[int], automatic: str, cut: list[int]
) -> None:
    full = [
        stride * (length - 1) + (size - 1) * gap + 1
        for stride, length, size, gap in zip(strides, (5, 4), kernel, dilations, strict=True)
    ]
    wanted = [length - less for length, less in zip(full, cut, strict=True)]
    assume(wanted[0] >= 5 and wanted[1] >= 4)  # the onnx package infers no shape smaller than the data's
    window = ",".join(map(str, kernel))
    model = parse(
        11,
        f"""g (float[N,2,5,4] x, float[2,3,{window}] w, float[3] b) => (float[N,3,H,W] y) {{
            y = ConvTranspose<strides={strides}, dilations={dilations}, output_shape={wanted},
                auto_pad="{automatic}">(x, w, b)
        }}""",
    )
    assert_same_numbers(model, step(model), tolerance=1e-5)


def test_all_the_way_down() -> None:
    model = parse(22, graph("strides=[2,2], output_shape=[12,7]"))
    assert_same_numbers(model, retarget(model, 3), tolerance=1e-5)


@pytest.mark.parametrize(
    ("attributes", "shape", "reason"),
    [
        ("strides=[2,2], output_shape=[8,7]", "N,2,A,4", "length of axis 2 of x is not fixed"),
        ("strides=[2,2], output_shape=[14,8]", "N,2,5,4", "output_shape .* is larger than"),
        (
            'strides=[2,2], output_padding=[1,0], auto_pad="SAME_UPPER"',
            "N,2,5,4",
            "do not agree on output_padding beside auto_pad",
        ),
    ],
)
def test_what_cannot_be_written_out_is_refused(attributes: str, shape: str, reason: str) -> None:
    model = parse(11, graph(attributes, shape))
    with pytest.raises(RetargetError, match=rf"ConvTranspose .*11 to 10: .*{reason}"):
        step(model)
