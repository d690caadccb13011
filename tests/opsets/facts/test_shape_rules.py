"""Shapes behind axes of open length: the same numbers as a runtime gives for every size."""

from __future__ import annotations

import pytest
import sympy  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets.facts.lengths import symbol
from tests.opsets.comparing import noise, parse, run_onnxruntime
from tests.opsets.simplifying import shape_of, value_in, walk_of

SIZES = [(6, 7), (11, 8), (13, 16)]
WEIGHT = f"float[4,2,3,2] w = {{{','.join(['0.5'] * 48)}}}"


def assert_lengths(opset: int, node: str, constants: str = "", known: bool = True) -> None:
    """The inferred lengths of y, made of x: (N, 4, H, W), are those that onnxruntime computes."""
    text = f"g (float[N,4,H,W] x) => (float[A,B,C,D] y) <{constants}> {{ {node} }}".replace("<>", "")
    model, walk = parse(opset, text), walk_of(opset, text)
    lengths = [sympy.sympify(length) for length in walk.inference.lengths(value_in(walk, "y"))]
    names = [symbol(name) for name in "NHW"]
    if not known:
        assert any(length.free_symbols - set(names) for length in lengths)
        return
    for height, width in SIZES:
        result = run_onnxruntime(model, {"x": noise((2, 4, height, width))})[0]
        numbers = dict(zip(names, (2, height, width), strict=True))
        assert [length.subs(numbers) for length in lengths] == list(result.shape)


def bounds(start: int, end: int, axis: int, step: int = 1) -> str:
    """The constants i, j, k and s of a Slice of one axis."""
    numbers = {"i": start, "j": end, "k": axis, "s": step}
    return ", ".join(f"int64[1] {name} = {{{number}}}" for name, number in numbers.items())


@given(
    st.sampled_from(["Conv", "MaxPool", "AveragePool"]),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.lists(st.integers(0, 1), min_size=4, max_size=4),
    st.lists(st.integers(1, 2), min_size=2, max_size=2),
    st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_windows(
    operator: str, strides: list[int], pads: list[int], dilations: list[int], automatic: str, ceil: bool
) -> None:
    attributes = [f"strides={strides}", f'auto_pad="{automatic}"', "kernel_shape=[3,2]"]
    if automatic == "NOTSET":
        attributes.append(f"pads={pads}")
    if not automatic.startswith("SAME"):
        attributes.append(f"dilations={dilations}")
    if operator == "Conv":
        assert_lengths(19, f"y = Conv<group=2, {', '.join(attributes)}>(x, w)", WEIGHT)
        return
    known = not (ceil and automatic == "VALID")  # which runtimes do not read alike
    ceil = ceil and not automatic.startswith("SAME")
    assert_lengths(
        19, f"y = {operator}<{', '.join([*attributes, f'ceil_mode={int(ceil)}'])}>(x)", known=known
    )


@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.lists(st.integers(0, 1), min_size=4, max_size=4),
    st.lists(st.integers(1, 2), min_size=2, max_size=2),
    st.sampled_from(["NOTSET", "SAME_UPPER", "VALID"]),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_transposed_convolutions(
    strides: list[int], pads: list[int], dilations: list[int], automatic: str
) -> None:
    attributes = [f"strides={strides}", f'auto_pad="{automatic}"', f"dilations={dilations}", "group=2"]
    if automatic == "NOTSET":
        attributes += [f"pads={pads}", f"output_padding=[{strides[0] - 1},0]"]
    if automatic.startswith("SAME") and strides[1] > dilations[1] + 1:  # gaps, which runtimes do not fill
        strides[1] = 1
        attributes[0] = f"strides={strides}"
    assert_lengths(11, f"y = ConvTranspose<{', '.join(attributes)}>(x, w)", WEIGHT)


@pytest.mark.parametrize(
    ("opset", "node", "constants"),
    [
        (13, "y = Concat<axis=2>(x, x)", ""),
        (13, "a = Slice(x, i, j, k) y = Concat<axis=3>(x, a)", bounds(1, 99999999999, 3)),
        (13, "y = Slice(x, i, j, k, s)", bounds(0, 1000000000, 2, 3)),
        (13, "y = Slice(x, i, j, k, s)", bounds(1, 1000000000, -2, 2)),
        (13, "y = Slice(x, i, j, k)", bounds(0, -1, 2)),
        (13, "y = Pad(x, p)", "int64[8] p = {0,1,2,0,0,0,1,-1}"),
        (18, "y = Pad(x, p, , a)", "int64[2] p = {2,1}, int64[1] a = {-1}"),
        (13, "y = Tile(x, r)", "int64[4] r = {1,2,3,1}"),
        (13, "y = Resize(x, , s)", "float[4] s = {1,1,1.5,0.25}"),
        (13, "y = DepthToSpace<blocksize=2>(x)", ""),
        (13, "a = DepthToSpace<blocksize=2>(x) y = SpaceToDepth<blocksize=2>(a)", ""),
        (13, "a = Slice(x, i, j, k) y = Add(x, a)", bounds(0, 1, 2)),
        (14, "a = Flatten<axis=2>(x) y = Reshape(a, s)", "int64[4] s = {-1,4,1,1}"),
    ],
)
def test_other_operators(opset: int, node: str, constants: str) -> None:
    assert_lengths(opset, node, constants)


@pytest.mark.parametrize(
    ("node", "constants"),
    [
        ("y = Slice(x, i, j, k)", bounds(0, 5, 2)),
        ("y = Slice(x, i, j, k)", bounds(2, 1000000000, 2)),
        ("y = Slice(x, i, j, k)", bounds(0, 999999999, 2)),
        ("y = Resize(x, , s)", "float[4] s = {1,1,1.3,1}"),
        (
            'y = Resize<coordinate_transformation_mode="tf_crop_and_resize">(x, r, s)',
            "float[8] r = {0,0,0,0,1,1,0.5,1}, float[4] s = {1,1,2,1}",
        ),
        ('y = ConvTranspose<strides=[1,3], auto_pad="SAME_UPPER", group=2>(x, w)', WEIGHT),
    ],
)
def test_what_depends_on_the_size_has_a_length_of_its_own(node: str, constants: str) -> None:
    assert_lengths(13, node, constants, known=False)


def test_a_sum_of_two_sizes_of_one_image_has_the_longer() -> None:
    text = """g (float[N,4,H,W] x) => (float[N,4,A,B] y) <float[4] s = {1,1,2,2}> {
        a = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) b = Resize(a, , s) y = Add(x, b) }"""
    assert shape_of(walk_of(13, text), "y") == ["N", 4, "Max(H, 2*floor(H/2))", "Max(W, 2*floor(W/2))"]
    result = run_onnxruntime(parse(13, text), {"x": noise((1, 4, 2, 6))})[0]
    assert result.shape == (1, 4, 2, 6)
