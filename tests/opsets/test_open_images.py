"""Convolutional networks with open height and width, down to 3, run at several sizes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, noise, parse, run

TARGETS = [3, 5, 6, 7, 9, 11]
IMAGE = "g (float[N,4,H,W] x) => (float[N,4,A,B] y)"


def weights(*shape: int, name: str = "w") -> str:
    numbers = np.random.default_rng(5).normal(size=shape) / np.sqrt(np.prod(shape[1:]))
    return f"float{list(shape)} {name} = {{{','.join(f'{number:.4f}' for number in numbers.reshape(-1))}}}"


def assert_same_at(model: onnx.ModelProto, target: int, sizes: list[tuple[int, int]]) -> tuple[str, ...]:
    """The model at ``target`` computes the same from images of each size; its bounds."""
    lowered = convert(model, model.opset_import[0].version, target)
    for height, width in sizes:
        inputs = {"x": noise((2, 4, height, width))}
        assert_same_numbers(model, lowered.model, inputs, tolerance=2e-5)
    return lowered.bounds


@pytest.mark.parametrize("target", TARGETS)
def test_same_padding_keeps_the_lengths(target: int) -> None:
    model = parse(11, f"{IMAGE} <{weights(4, 4, 3, 3)}> {{ c = Conv<pads=[1,1,1,1]>(x, w) y = Add(x, c) }}")
    assert assert_same_at(model, target, [(4, 6), (7, 5), (1, 3)]) == ()


SHRINKING = {
    "strides": "Conv<strides=[2,2], kernel_shape=[1,1]>(p, v)",
    "a pool": "AveragePool<kernel_shape=[2,2], strides=[2,2], ceil_mode=1>(p)",
    "automatic": 'Conv<strides=[2,2], auto_pad="SAME_UPPER">(p, w)',
    "dilations": "Conv<strides=[2,2], pads=[2,2,2,2], dilations=[2,2]>(p, w)",
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shortcut", SHRINKING.values(), ids=SHRINKING)
def test_two_ways_that_halve_an_image_meet(shortcut: str, target: int) -> None:
    constants = f"{weights(4, 4, 3, 3)}, {weights(4, 4, 1, 1, name='v')}"
    text = f"""{IMAGE} <{constants}> {{
        s = Conv<strides=[2,2], pads=[1,1,1,1]>(x, w) p = MaxPool<kernel_shape=[3,3], strides=[2,2],
        pads=[1,1,1,1]>(s) a = Conv<strides=[2,2], pads=[1,1,1,1]>(p, w) r = Relu(a) b = {shortcut}
        c = Add(r, b) y = Relu(c) }}"""
    assert assert_same_at(parse(11, text), target, [(16, 24), (19, 33), (9, 11)]) == ()


UP = 'Resize<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">'


@pytest.mark.parametrize("target", [3, 6, 9])
def test_lengths_that_are_equal_where_the_model_is_valid_are_taken_as_equal(target: int) -> None:
    """A pyramid takes images whose sides are multiples of 4, and says so in its Adds alone."""
    text = f"""{IMAGE} <{weights(4, 4, 3, 3)}, float[4] s = {{1,1,2,2}}> {{
        a = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w) b = Conv<pads=[1,1,1,1], strides=[2,2]>(a, w)
        u = {UP}(b, , s) c = Add(a, u) d = Relu(c) e = Conv<pads=[1,1,1,1]>(d, w) f = Add(c, e)
        v = {UP}(f, , s) y = Add(v, x) }}"""
    bounds = assert_same_at(parse(13, text), target, [(8, 12), (4, 20)])
    if target >= 7:
        assert bounds == ()
    else:
        assert bounds[-1] == (
            "Add below 7: exact where 2*floor(W/2 + 1/2) equals W, as it does unless one of them is 1"
        )
        assert len(bounds) == 4


def test_lengths_of_different_images_are_not_taken_as_equal() -> None:
    model = parse(7, "g (float[N,4] x, float[M,4] z) => (float[A,4] y) { y = Add(x, z) }")
    lowered = convert(model, 7, 6)
    assert not any("equals" in bound for bound in lowered.bounds)
    for one, other in ((2, 2), (1, 3), (3, 1)):
        inputs = {"x": noise((one, 4)), "z": noise((other, 4), seed=8)}
        assert_same_numbers(model, lowered.model, inputs)


SHUFFLE = """g (float[N,4,H,W] x) => (float[N,4,H,W] y) <
    int64 zero = {0}, int64 one = {1}, int64 two = {2}, int64 three = {3}, int64[1] i = {0}, int64[1] h = {2}
> {
    s = Shape(x)
    b = Gather(s, zero) c = Gather(s, one) r = Gather(s, two) l = Gather(s, three) m = Div(c, two)
    ub = Unsqueeze(b, i) um = Unsqueeze(m, i) ur = Unsqueeze(r, i) ul = Unsqueeze(l, i) uc = Unsqueeze(c, i)
    t = Concat<axis=0>(ub, h, um, ur, ul) a = Reshape(x, t)
    o = Transpose<perm=[0,2,1,3,4]>(a)
    u = Concat<axis=0>(ub, uc, ur, ul) k = Reshape(o, u)
    z = Shape(k) n = Gather(z, one) d = Div(n, two) end = Unsqueeze(d, i)
    start = Identity(i) axis = Unsqueeze(one, i)
    f = Slice(k, start, end, axis) g = Slice(k, end, uc, axis) e = Neg(f) y = Concat<axis=1>(e, g)
}"""


@pytest.mark.parametrize("target", [*TARGETS, 12])
def test_channels_are_shuffled_and_halved_at_any_size(target: int) -> None:
    """Below 5 a Reshape leaves one length to be worked out: height and width stand still meanwhile."""
    model = parse(13, SHUFFLE)
    assert assert_same_at(model, target, [(4, 6), (5, 3)]) == ()
    operators = [node.op_type for node in convert(model, 13, target).model.graph.node]
    assert operators.count("Slice") == 2
    assert ("Shape" in operators) == (target >= 5)
    channels = run(convert(model, 13, target).model, {"x": noise((1, 4, 2, 3))})[0]
    assert channels.shape == (1, 4, 2, 3)
