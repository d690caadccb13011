"""MaxPool without what its older forms lack."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step, text_of
from tests.opsets.ops.pools import pools

IMAGE = "g (float[N,2,7,6] x)"


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        (
            "kernel_shape=[3,2], strides=[2,2], ceil_mode=0, dilations=[1,1]",
            "kernel_shape=[3,2], strides=[2,2]",
        ),
        (
            "kernel_shape=[2,3], strides=[2,2], ceil_mode=1, pads=[0,1,0,1]",
            "kernel_shape=[2,3], strides=[2,2], pads=[0,1,1,2]",
        ),
        (
            'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_LOWER"',
            "kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,0]",
        ),
        ('kernel_shape=[2,3], strides=[1,1], auto_pad="VALID"', "kernel_shape=[2,3], strides=[1,1]"),
    ],
)
def test_all_padding_is_written_out(given_: str, wanted: str) -> None:
    assert_step(
        10,
        f"{IMAGE} => (float[N,2,H,W] y) {{ y = MaxPool<{given_}>(x) }}",
        f"{IMAGE} => (float[N,2,H,W] y) {{ y = MaxPool<{wanted}>(x) }}",
    )


def test_lengths_that_are_not_fixed_are_padded_by_a_stride_where_every_window_starts_inside() -> None:
    windows = "kernel_shape=[3,3], strides=[2,2]"
    above = parse(
        10, f"g (float[N,2,A,B] x) => (float[N,2,H,W] y) {{ y = MaxPool<{windows}, ceil_mode=1>(x) }}"
    )
    below = step(above)
    assert text_of(below).count("pads: ints = [0, 0, 1, 1]") == 1
    for size in ((6, 7), (5, 8), (3, 4)):
        assert_same_numbers(above, below, {"x": noise((2, 2, *size))})


def test_dilated_windows_are_laid_side_by_side() -> None:
    image = "g (float[N,2,5,4] x) => (float[N,2,3,2] y)"
    assert_step(
        10,
        f"{image} {{ y = MaxPool<kernel_shape=[2,3], strides=[1,2], dilations=[2,1], pads=[0,0,0,1]>(x) }}",
        f"""{image} <int64[6] y_positions = {{0,2,1,3,2,4}}> {{
            y_Gather = Gather<axis=2>(x, y_positions)
            y = MaxPool<kernel_shape=[2,3], strides=[2,2], pads=[0,0,0,1]>(y_Gather)
        }}""",
    )


@given(pools("MaxPool", dilations=True, ceil=True))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_windows_10_to_9(text: str) -> None:
    model = parse(10, text)
    assert_same_numbers(model, step(model))


@given(pools("MaxPool", dilations=True, ceil=True))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_windows_22_to_21(text: str) -> None:
    model = parse(22, text)
    assert_same_numbers(model, step(model))


@given(pools("MaxPool", automatic=True))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_windows_in_a_runtime_of_old_opsets(text: str) -> None:
    model = parse(10, text)
    assert_same_numbers(model, retarget(model, 3))


def test_a_last_window_that_would_start_in_the_padding_is_left_out_in_words_of_21() -> None:
    image = "g (float[N,2,4,4] x) => (float[N,2,2,3] y)"
    assert_step(
        22,
        f"{image} {{ y = MaxPool<kernel_shape=[2,2], strides=[2,1], pads=[0,0,1,0], ceil_mode=1>(x) }}",
        f"{image} {{ y = MaxPool<kernel_shape=[2,2], strides=[2,1]>(x) }}",
    )


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_8_bits_are_cast_to_floats_and_back(kind: str) -> None:
    number = {"int8": 3, "uint8": 2}[kind]
    graph = f"g ({kind}[N,1,3,3] x) => ({kind}[N,1,2,2] y, int64[N,1,2,2] i)"
    assert_step(
        12,
        f"{graph} {{ y, i = MaxPool<kernel_shape=[2,2]>(x) }}",
        f"""{graph} {{
            y_Cast = Cast<to=1>(x)
            y_MaxPool, i = MaxPool<kernel_shape=[2,2]>(y_Cast)
            y = Cast<to={number}>(y_MaxPool)
        }}""",
    )


def test_floats_stay_at_12() -> None:
    text = f"{IMAGE} => (float[N,2,6,5] y) {{ y = MaxPool<kernel_shape=[2,2]>(x) }}"
    assert_step(12, text, text)


def test_the_order_of_indices_that_nobody_uses_goes() -> None:
    graph = f"{IMAGE} => (float[N,2,6,5] y)"
    assert_step(
        8,
        f"{graph} {{ y, i = MaxPool<kernel_shape=[2,2], storage_order=1>(x) }}",
        f"{graph} {{ y = MaxPool<kernel_shape=[2,2]>(x) }}",
    )


INDICES = "(float[N,2,H,W] y, int64[N,2,H,W] i)"


@pytest.mark.parametrize(
    ("opset", "graph", "attributes", "reason"),
    [
        (8, f"{IMAGE} => {INDICES}", "", "its output 1 is used"),
        (10, f"{IMAGE} => {INDICES}", "dilations=[2,1]", "its indices are used, and it is dilated"),
        (
            10,
            "g (float[N,2,A,6] x) => (float[N,2,H,W] y)",
            "dilations=[2,1]",
            "length of axis 2 .* not fixed",
        ),
        (
            10,
            "g (float[N,2,A,6] x) => (float[N,2,H,W] y)",
            "strides=[3,1], ceil_mode=1",
            "a padding that depends on a length that is not fixed",
        ),
        (
            10,
            f"{IMAGE} => (float[N,2,H,W] y)",
            'dilations=[2,1], auto_pad="SAME_UPPER"',
            "auto_pad with dilations is not computed alike",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(
    opset: int, graph: str, attributes: str, reason: str
) -> None:
    outputs = "y, i" if "i)" in graph else "y"
    inner = ", ".join(filter(None, ["kernel_shape=[2,2]", attributes]))
    model = parse(opset, f"{graph} {{ {outputs} = MaxPool<{inner}>(x) }}")
    with pytest.raises(RetargetError, match=f"MaxPool .*{opset} to {opset - 1}: .*{reason}"):
        step(model)


def test_an_auto_pad_of_lengths_that_are_not_fixed_stays() -> None:
    graph = "g (float[N,2,A,B] x) => (float[N,2,H,W] y)"
    text = f'{graph} {{ y = MaxPool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER">(x) }}'
    assert step(parse(10, text)).graph.node[0].attribute == parse(9, text).graph.node[0].attribute


def test_an_auto_pad_of_lengths_that_are_not_fixed_is_none_of_what_22_changed() -> None:
    graph = "g (float[N,2,A,B] x) => (float[N,2,H,W] y)"
    text = (
        f'{graph} {{ y = MaxPool<kernel_shape=[3,3], auto_pad="SAME_UPPER", strides=[2,2], ceil_mode=1>(x) }}'
    )
    assert text_of(step(parse(22, text))) == text_of(parse(21, text))


@given(
    pools("MaxPool", dilations=True, ceil=True, automatic=True),
    st.sampled_from(["int8", "uint8"]),
    st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_windows_of_bytes_12_to_11(text: str, kind: str, indices: bool) -> None:
    text = text.replace("float", kind)
    if indices:
        text = text.replace(
            " y) {", f" y, {text.split(' => (')[1].split(' y)')[0].replace(kind, 'int64')} i) {{"
        )
        text = text.replace("{ y = ", "{ y, i = ")
    model = parse(12, text)
    assert_same_numbers(model, step(model))
