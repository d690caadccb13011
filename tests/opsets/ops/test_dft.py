"""DFT and STFT as products with a matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, step
from tests.opsets.shapes import Shape, in_brackets, shapes


def test_the_transform_of_two() -> None:
    assert_step(
        17,
        "g (float[N,2,1] x) => (float[N,2,2] y) { y = DFT(x) }",
        """g (float[N,2,1] x) => (float[N,2,2] y) <int64[2] y_shape = {0,2},
        float[2,4] y_transform = {1,0,1,0,1,0,-1,-0}, int64[3] y_shape_1 = {0,2,2}> {
            y_Reshape = Reshape(x, y_shape)
            y_MatMul = MatMul(y_Reshape, y_transform)
            y = Reshape(y_MatMul, y_shape_1)
        }""",
    )


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=3),
    axis=st.integers(0, 2),
    length=st.sampled_from([None, 3, 4, 8]),
    form=st.sampled_from([(1, 0, 0), (1, 0, 1), (2, 0, 0), (2, 1, 0)]),
    target=st.sampled_from([16, 7, 3]),
)
def test_any_shape_axis_and_length_is_as_numpy_has_it(
    shape: list[int], axis: int, length: int | None, form: tuple[int, int, int], target: int
) -> None:
    parts, inverse, one_sided = form
    axis %= len(shape)
    data = noise((*shape, parts))
    signal = data[..., 0] + (1j * data[..., 1] if parts == 2 else 0)
    spectrum = (np.fft.ifft if inverse else np.fft.fft)(signal, n=length, axis=axis)
    if one_sided:
        spectrum = np.take(spectrum, np.arange(spectrum.shape[axis] // 2 + 1), axis)
    left = ",".join(map(str, [*spectrum.shape, 2]))
    given_length = "" if length is None else f"<int64 n = {{{length}}}>"
    model = parse(
        17,
        f"""g (float{[*shape, parts]} x) => (float[{left}] y) {given_length} {{
            y = DFT<axis={axis}, inverse={inverse}, onesided={one_sided}>(x{"" if length is None else ", n"})
        }}""",
    )
    (result,) = run(convert(model, 17, target).model, {"x": data})
    np.testing.assert_allclose(result[..., 0] + 1j * result[..., 1], spectrum, rtol=1e-4, atol=1e-5)


def test_real_signals_come_back_from_one_sided_spectra() -> None:
    model = parse(17, "g (float[N,5,2] x) => (float[N,8,1] y) { y = DFT<inverse=1, onesided=1>(x) }")
    data = noise((2, 5, 2))
    (result,) = run(step(model), {"x": data})
    np.testing.assert_allclose(
        result[..., 0], np.fft.irfft(data[..., 0] + 1j * data[..., 1]), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("window", ["", "w"])
@pytest.mark.parametrize("one_sided", [0, 1])
def test_frames_are_transformed(window: str, one_sided: int) -> None:
    bins = 5 if one_sided else 8
    model = parse(
        17,
        f"""g (float[N,30,1] x, float[8] w) => (float[N,8,{bins},2] y) <int64 f = {{3}}, int64 n = {{8}}>
        {{ y = STFT<onesided={one_sided}>(x, f, {window}, n) }}""",
    )
    lowered = convert(model, 17, 16)
    assert lowered.bounds == ("STFT by MatMul: an inf or a NaN spreads over its result",)
    assert_same_numbers(model, lowered.model, tolerance=2e-5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("g (float[1,L,1] x) => (float[1,M,2] y) { y = DFT(x) }", "the length of axis 1 of x is not fixed"),
        ("g (float[1,9000,1] x) => (float[1,9000,2] y) { y = DFT(x) }", "it transforms 9000 elements"),
        (
            "g (float16[1,4,1] x) => (float16[1,4,2] y) { y = DFT(x) }",
            "its input is FLOAT16, and only float32",
        ),
        (
            "g (float[1,8,1] x, int64 s, float[4] w) => (float[1,A,B,2] y) { y = STFT(x, s, w) }",
            r"its frame step \(s\) are computed at run time",
        ),
    ],
)
def test_what_no_matrix_says_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RetargetError, match=f"17 to 16: {reason}"):
        step(parse(17, text))


@pytest.mark.parametrize(
    ("inputs", "kept", "axis"), [("x", 1, 2), ("x, , a", 1, 1), ("x, n", 2, 2), ("x, n, a", 2, 1)]
)
def test_a_constant_axis_becomes_an_attribute(inputs: str, kept: int, axis: int) -> None:
    model = parse(
        20,
        f"""g (float[N,5,4,1] x) => (float[A,B,C,2] y) <int64 n = {{4}}, int64 a = {{-3}}>
        {{ y = DFT({inputs}) }}""",
    )
    lowered = step(model)
    node = lowered.graph.node[0]
    assert len(node.input) == kept
    assert [attribute.i for attribute in node.attribute if attribute.name == "axis"] == [axis]
    assert_same_numbers(model, lowered, tolerance=1e-5)


def test_an_axis_of_run_time_is_refused() -> None:
    model = parse(20, "g (float[N,5,4,1] x, int64 a) => (float[A,B,C,2] y) { y = DFT(x, , a) }")
    with pytest.raises(RetargetError, match=r"DFT .*opset 20 to 19: its axis .a. are computed at run time"):
        step(model)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    shape=shapes(least=1),
    place=st.none() | st.integers(-4, 2),
    length=st.sampled_from([None, 1, 2, 5]),
    form=st.sampled_from(["", "inverse=1", "onesided=1", "inverse=0, onesided=0"]),
)
def test_any_axis_below_20(shape: Shape, place: int | None, length: int | None, form: str) -> None:
    """Left out, from the front and from the back, where the last axis of all holds the complex numbers."""
    rank = len(shape.lengths) + 1
    axis = None if place is None else (place % (rank - 1)) - rank * (place < 0)
    names = (
        "x"
        + ("" if length is None else ", n")
        + (("" if length else ",") + ", a" if axis is not None else "")
    )
    parts = 1 if form == "onesided=1" else 2
    declared = [f"int64 n = {{{length}}}"] * (length is not None) + [f"int64 a = {{{axis}}}"] * (
        axis is not None
    )
    model = parse(
        20,
        f"""g (float[{shape.text[1:-1]},{parts}] x) => (float[{",".join("ABCD"[:rank])}] y)
        {in_brackets(declared)} {{ y = DFT{in_brackets([form] if form else [])}({names}) }}""",
    )
    assert_same_numbers(model, step(model), {"x": noise((*shape.lengths, parts))}, tolerance=1e-5)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    count=st.integers(1, 20),
    hop=st.integers(1, 6),
    length=st.none() | st.integers(1, 9),
    windowed=st.booleans(),
    one_sided=st.sampled_from([None, 0, 1]),
)
def test_any_frames_are_as_numpy_has_them(
    count: int, hop: int, length: int | None, windowed: bool, one_sided: int | None
) -> None:
    """The length left out is that of the window, or of the signal where there is none; halves by default."""
    size = min(length or (4 if windowed else count), count)
    given_ = "" if length is None and (windowed or size == count) else ", n"
    names = f"x, f, {'w' if windowed else ''}{given_}".rstrip(", ")
    sides = [] if one_sided is None else [f"onesided={one_sided}"]
    model = parse(
        17,
        f"""g (float[N,{count},1] x, float[{size}] w) => (float[N,A,B,2] y)
        <int64 f = {{{hop}}}, int64 n = {{{size}}}> {{ y = STFT{in_brackets(sides)}({names}) }}""",
    )
    signal, window = noise((2, count, 1)), noise((size,), seed=3)
    frames = [signal[:, at : at + size, 0] for at in range(0, count - size + 1, hop)]
    framed = np.stack(frames, axis=1) * (window if windowed else 1)
    expected = np.fft.fft(framed) if one_sided == 0 else np.fft.rfft(framed)
    (found,) = run(step(model), {"x": signal, "w": window})
    np.testing.assert_allclose(found[..., 0] + 1j * found[..., 1], expected, rtol=1e-4, atol=1e-5)
