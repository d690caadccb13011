"""Conv with its padding written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import retarget
from tests.opsets.comparing import (
    assert_same_numbers,
    assert_step,
    inputs_for,
    noise,
    parse,
    run_openvino,
    step,
    text_of,
)

WEIGHT = "float[3,2,3,2] w"


def graph(attributes: str, shape: str = "N,2,6,5") -> str:
    return f"g (float[{shape}] x, {WEIGHT}) => (float[N,3,H,W] y) {{ y = Conv<{attributes}>(x, w) }}"


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ('strides=[2,1], auto_pad="SAME_UPPER"', "strides=[2,1], pads=[0,0,1,1]"),
        (
            'strides=[2,1], auto_pad="SAME_LOWER", kernel_shape=[3,2]',
            "strides=[2,1], pads=[1,1,0,0], kernel_shape=[3,2]",
        ),
        ('strides=[1,2], auto_pad="VALID"', "strides=[1,2]"),
        ('strides=[1,2], auto_pad="NOTSET", pads=[1,0,0,1]', "strides=[1,2], pads=[1,0,0,1]"),
        ("strides=[1,2], dilations=[2,1], pads=[1,0,0,1]", "strides=[1,2], dilations=[2,1], pads=[1,0,0,1]"),
    ],
)
def test_padding_is_written_out(given_: str, wanted: str) -> None:
    assert_step(11, graph(given_), graph(wanted), tolerance=1e-5)


def test_padding_for_dilated_windows_is_written_out() -> None:
    """Only OpenVINO runs both."""
    above = parse(11, graph('auto_pad="SAME_UPPER", dilations=[2,1]'))
    below = step(above)
    assert text_of(below) == text_of(parse(10, graph("dilations=[2,1], pads=[2,0,2,1]")))
    inputs = inputs_for(above) | {"x": noise((2, 2, 6, 5))}
    first, second = run_openvino(above, inputs), run_openvino(below, inputs)
    np.testing.assert_allclose(second[0], first[0], rtol=1e-5, atol=1e-5)


def test_an_auto_pad_of_lengths_that_are_not_fixed_stays() -> None:
    text = graph('strides=[2,1], auto_pad="SAME_UPPER"', "N,2,A,5")
    assert step(parse(11, text)).graph.node[0].attribute == parse(10, text).graph.node[0].attribute


@given(
    lengths=st.lists(st.integers(4, 8), min_size=1, max_size=3),
    kernel=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    strides=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    automatic=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]),
    bias=st.booleans(),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_any_auto_pad(
    lengths: list[int], kernel: list[int], strides: list[int], automatic: str, bias: bool
) -> None:
    axes = len(lengths)
    image, window = (",".join(map(str, values[:axes])) for values in (lengths, kernel))
    results = ",".join("ABC"[:axes])
    model = parse(
        11,
        f"""g (float[N,2,{image}] x, float[3,2,{window}] w, float[3] b) => (float[N,3,{results}] y) {{
            y = Conv<auto_pad="{automatic}", strides={strides[:axes]}>(x, w{", b" if bias else ""})
        }}""",
    )
    assert_same_numbers(model, step(model), tolerance=1e-5)


def test_all_the_way_down() -> None:
    model = parse(22, graph('strides=[2,2], auto_pad="SAME_LOWER"'))
    assert_same_numbers(model, retarget(model, 3), tolerance=1e-5)
