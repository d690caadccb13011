"""DequantizeLinear down to forms that know one scale, and below 10, where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from opsets.conversion import convert
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, parse, step
from tests.opsets.shapes import Shape, in_brackets, shapes


def graph(kind: str, constants: str, attributes: str = "", inputs: str = "x, s, p") -> str:
    return f"""g ({kind}[2,4,5] x) => (float[2,4,5] y) {constants} {{
        y = DequantizeLinear{f"<{attributes}>" if attributes else ""}({inputs})
    }}"""


ONE = "<float s = {0.5}, uint8 p = {3}>"


@pytest.mark.parametrize(
    ("opset", "attributes"),
    [(23, "output_dtype=1"), (23, "output_dtype=0"), (21, "block_size=0"), (13, "axis=1")],
)
def test_what_says_nothing_goes(opset: int, attributes: str) -> None:
    assert_step(opset, graph("uint8", ONE, attributes), graph("uint8", ONE))


def test_a_scale_per_channel_is_spelt_out() -> None:
    assert_step(
        13,
        graph("int8", "<float[4] s = {1,2,3,4}, int8[4] p = {0,-3,5,7}>", "axis=-2"),
        """g (int8[2,4,5] x) => (float[2,4,5] y)
        <float[1,4,1] y_zero_point = {0,-3,5,7}, float y_one = {1}, float[1,4,1] y_scale = {1,2,3,4}> {
            y_DequantizeLinear = DequantizeLinear(x, y_one)
            y_Sub = Sub(y_DequantizeLinear, y_zero_point)
            y = Mul(y_Sub, y_scale)
        }""",
    )


@pytest.mark.parametrize("attributes", ["", "axis=0", "axis=2"])
def test_one_element_is_a_scale_for_all_data(attributes: str) -> None:
    """ONNX Runtime's quantiser gives it one axis, and leaves ``axis`` at 1 for data of any number of axes."""
    assert_step(
        13,
        graph("uint8", "<float[1] s = {0.5}, uint8[1] p = {3}>", attributes),
        graph(
            "uint8", "<float y_scale = {0.5}, uint8 y_zero_point = {3}>", inputs="x, y_scale, y_zero_point"
        ),
    )


@pytest.mark.parametrize("axes", ["", "[1]"])
@pytest.mark.parametrize("constant", [True, False])
def test_one_element_on_one_axis_comes_down(axes: str, constant: bool) -> None:
    """A scale without axes and a zero point with one is what files hold, too."""
    given_, constants = "", f"<float[1] s = {{0.5}}, int32{axes} p = {{0}}>"
    if not constant:
        given_, constants = f", float[1] s, int32{axes} p", ""
    text = f"g (int32[4] x{given_}) => (float[4] y) {constants} {{ y = DequantizeLinear(x, s, p) }}"
    model = parse(13, text)
    inputs: dict[str, Array] = {"x": np.array([5, -700, 3, 2], dtype=np.int32)}
    if not constant:
        inputs |= {"s": np.array([0.5], np.float32), "p": np.zeros([1] * bool(axes), np.int32)}
    for target in (12, 9, 7, 6):
        assert_same_numbers(model, retarget(model, target), inputs)


def test_an_axis_that_the_data_have_not_is_refused() -> None:
    model = parse(13, "g (int8[4] x) => (float[4] y) <float[4] s = {1,2,3,4}> { y = DequantizeLinear(x, s) }")
    with pytest.raises(RetargetError, match=r"its scale is along axis 1, and its data has 1 axes"):
        step(model)


def test_a_scale_of_one_that_was_added_goes_again() -> None:
    model = parse(13, graph("int8", "<float[4] s = {1,2,3,4}>", inputs="x, s"))
    assert [node.op_type for node in retarget(model, 10).graph.node] == ["DequantizeLinear", "Mul"]
    assert [node.op_type for node in retarget(model, 9).graph.node] == ["Cast", "Mul"]


@given(
    kind=st.sampled_from(["int8", "uint8", "int32"]),
    per_channel=st.booleans(),
    absent=st.booleans(),
    constant=st.booleans(),
)
@settings(max_examples=16, deadline=None, derandomize=True)
def test_any_scale_in_every_opset(kind: str, per_channel: bool, absent: bool, constant: bool) -> None:
    lengths = "[4]" if per_channel else ""
    shape = (4,) if per_channel else ()
    zero = 0 if kind == "int32" else 3
    values = ",".join(["0.3"] * (4 if per_channel else 1)), ",".join([str(zero)] * (4 if per_channel else 1))
    constants = f"<float{lengths} s = {{{values[0]}}}, {kind}{lengths} p = {{{values[1]}}}>"
    given_ = "" if constant else f", float{lengths} s" + ("" if absent else f", {kind}{lengths} p")
    text = f"""g ({kind}[2,4,5] x{given_}) => (float[2,4,5] y) {constants if constant else ""} {{
        y = DequantizeLinear({"x, s" if absent else "x, s, p"})
    }}"""
    model = parse(13, text)
    inputs: dict[str, Array] = {"x": np.arange(40).reshape(2, 4, 5).astype(kind)}
    if not constant:
        inputs |= {"s": np.full(shape, 0.3, dtype=np.float32)}
        inputs |= {} if absent else {"p": np.full(shape, zero).astype(kind)}
    for target in (12, 9, 7):
        assert_same_numbers(model, retarget(model, target), inputs)


@pytest.mark.parametrize("kind", ["int16", "uint16"])
def test_16_bits_are_spelt_out(kind: str) -> None:
    model = parse(21, graph(kind, f"<float s = {{0.01}}, {kind} p = {{300}}>"))
    assert_same_numbers(model, step(model))


@pytest.mark.parametrize("constant", [True, False])
def test_blocks_are_spelt_out(constant: bool) -> None:
    numbers = ",".join(str(n) for n in range(1, 17))
    lines = f"<float[2,4,2] s = {{{numbers}}}, uint8[2,4,2] p = {{{numbers}}}>" if constant else ""
    given_ = "" if constant else ", float[2,4,2] s, uint8[2,4,2] p"
    text = graph("uint8", lines, "block_size=3, axis=2").replace(" x)", f" x{given_})")
    model = parse(21, text)
    assert_same_numbers(model, step(model))


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            23,
            "g (uint8[2] x, float s) => (float16[2] y) { y = DequantizeLinear<output_dtype=10>(x, s) }",
            "its result is of another type",
        ),
        (
            21,
            "g (int4[2] x, float s) => (float[2] y) { y = DequantizeLinear(x, s) }",
            r"input 0 may not be tensor\(int4\)",
        ),
        (
            19,
            "g (int8[2] x, float16 s) => (float16[2] y) { y = DequantizeLinear(x, s) }",
            r"input 1 may not be tensor\(float16\)",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(opset: int, text: str, reason: str) -> None:
    with pytest.raises(RetargetError, match=rf"DequantizeLinear .*{opset} to {opset - 1}: .*{reason}"):
        step(parse(opset, text))


def test_what_was_a_float_before_it_was_quantized_is_not_cast_back() -> None:
    model = parse(
        10,
        f"""g (float[N,3] x) => (float[N,3] y) {ONE} {{
            q = QuantizeLinear(x, s, p) y = DequantizeLinear(q, s, p)
        }}""",
    )
    below = step(model)
    assert "Cast" not in {node.op_type for node in below.graph.node}
    assert_same_numbers(model, below)
    assert_same_numbers(model, retarget(model, 3))


def test_a_cast_that_cuts_stays() -> None:
    model = parse(
        10,
        """g (float[N,3] x) => (float[N,3] y) <float s = {0.5}> {
            c = Clip<min=0.0, max=255.0>(x) q = Cast<to=2>(c) y = DequantizeLinear(q, s)
        }""",
    )
    below = step(model)
    assert [node.op_type for node in below.graph.node].count("Cast") == 2
    assert_same_numbers(model, below)


@given(
    shape=shapes(least=1, most=2),
    kind=st.sampled_from(["int8", "uint8", "int16", "uint16", "int32"]),
    scales=st.sampled_from(["one", "channel", "block"]),
    place=st.integers(-3, 2),
    said=st.booleans(),
    absent=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_axis_and_block_below_23_and_21(
    shape: Shape, kind: str, scales: str, place: int, said: bool, absent: bool
) -> None:
    """Blocks of two; what may be left out is left out, or said as it is by default."""
    whole = (*shape.lengths, 4)
    rank = len(whole)
    axis = place % rank
    open_ = scales != "block" or axis > 0  # blocks are told apart along a fixed length only
    dims = f"[{shape.text[1:-1]},4]" if open_ else f"{list(whole)}"
    lengths = {"one": [], "channel": [whole[axis]], "block": list(whole)}[scales]
    if scales == "block":
        lengths[axis] = -(-lengths[axis] // 2)
    attributes = [f"axis={axis - rank * (place < 0)}"] if lengths else []
    attributes += ["block_size=2"] if scales == "block" else []
    attributes += [f"output_dtype={int(absent)}"] if said else []
    of = f"{lengths}" if lengths else ""
    declared, last = ("", "") if absent else (f", {kind}{of} p", ", p")
    model = parse(
        23,
        f"""g ({kind}{dims} x, float{of} s{declared}) => (float{dims} y)
        {{ y = DequantizeLinear{in_brackets(attributes)}(x, s{last}) }}""",
    )
    generator = np.random.default_rng(4)
    span = np.iinfo(kind).min // 2, np.iinfo(kind).max // 2
    inputs = {
        "x": np.asarray(generator.integers(*span, whole, kind)) >> (15 if kind == "int32" else 0),
        "s": np.asarray(generator.uniform(0.01, 1, lengths)).astype(np.float32),
    }
    if not absent:
        inputs["p"] = np.asarray(generator.integers(0, 1 if kind == "int32" else 100, lengths, kind))
    for target in (22, 20):
        assert_same_numbers(model, convert(model, 23, target).model, inputs)
