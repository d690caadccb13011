"""QuantizeLinear down to forms that know one scale, and below 10, where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, parse, step
from tests.opsets.shapes import Shape, in_brackets, shapes

HALVES = np.arange(-40, 40, dtype=np.float32).reshape(2, 4, 10) / 4
ONE = "<float s = {0.5}, uint8 p = {7}>"
PER_CHANNEL = "<float[4] s = {0.5,0.25,2,1}, int8[4] p = {0,-3,5,100}>"
TYPES = {"uint8": 2, "int8": 3, "uint16": 4, "int16": 5}


def graph(constants: str, attributes: str, kind: str = "uint8", inputs: str = "x, s, p") -> str:
    given_ = f"<{attributes}>" if attributes else ""
    return f"""g (float[N,4,10] x) => ({kind}[N,4,10] y) {constants} {{
        y = QuantizeLinear{given_}({inputs})
    }}"""


@pytest.mark.parametrize(
    ("opset", "given_", "wanted"),
    [
        (23, "precision=1, axis=2", "axis=2"),
        (23, "precision=0", ""),
        (21, "block_size=0, output_dtype=2", ""),
        (19, "saturate=0", ""),
        (13, "axis=1", ""),
    ],
)
def test_what_says_nothing_goes(opset: int, given_: str, wanted: str) -> None:
    assert_step(opset, graph(ONE, given_), graph(ONE, wanted))


def test_the_type_of_the_result_is_that_of_a_zero_point() -> None:
    assert_step(
        21,
        graph("<float s = {0.5}>", "output_dtype=3", "int8", "x, s"),
        graph("<float s = {0.5}, int8 y_zero_point = {0}>", "", "int8", "x, s, y_zero_point"),
    )


def test_a_scale_per_channel_is_spelt_out() -> None:
    assert_step(
        13,
        graph(PER_CHANNEL, "", "int8"),
        """g (float[N,4,10] x) => (int8[N,4,10] y)
        <float[1,4,1] y_scale = {0.5,0.25,2,1}, float[1,4,1] y_zero_point = {0,-3,5,100},
         float y_bound = {-128}, float y_bound_1 = {127}> {
            y_Div = Div(x, y_scale)
            y_Round = Round(y_Div)
            y_Add = Add(y_Round, y_zero_point)
            y_Clip = Clip(y_Add, y_bound, y_bound_1)
            y = Cast<to=3>(y_Clip)
        }""",
    )


@pytest.mark.parametrize("attributes", ["", "axis=0", "axis=2"])
def test_one_element_is_a_scale_for_all_data(attributes: str) -> None:
    assert_step(
        13,
        graph("<float[1] s = {0.5}, uint8[1] p = {7}>", attributes),
        graph("<float y_scale = {0.5}, uint8 y_zero_point = {7}>", "", inputs="x, y_scale, y_zero_point"),
    )


@pytest.mark.parametrize("shape", ["[8]", "[2,2,1,2]"])
def test_a_scale_without_axes_and_a_zero_point_with_one(shape: str) -> None:
    model = parse(
        10,
        f"g (float{shape} x) => (int8{shape} y) <float s = {{0.5}}, int8[1] p = {{7}}> "
        "{ y = QuantizeLinear(x, s, p) }",
    )
    numbers = np.linspace(-90, 90, 8, dtype=np.float32).reshape(8 if shape == "[8]" else (2, 2, 1, 2))
    for target in (9, 6):
        assert_same_numbers(model, retarget(model, target), {"x": numbers})


@given(
    numbers=st.lists(st.integers(-2000, 2000), min_size=12, max_size=12),
    kind=st.sampled_from(["int8", "uint8"]),
    zero=st.integers(0, 127),
    per_channel=st.booleans(),
    absent=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_halves_are_rounded_to_even_in_every_opset(
    numbers: list[int], kind: str, zero: int, per_channel: bool, absent: bool
) -> None:
    lengths = "[3]" if per_channel else ""
    values = (lambda value: ",".join([str(value)] * 3)) if per_channel else str
    kind = "uint8" if absent else kind
    constants = f"<float{lengths} s = {{{values(0.25)}}}, {kind}{lengths} p = {{{values(zero)}}}>"
    model = parse(
        13,
        f"""g (float[4,3] x) => ({kind}[4,3] y) {constants} {{
            y = QuantizeLinear({"x, s" if absent else "x, s, p"})
        }}""",
    )
    inputs = {"x": (np.array(numbers, dtype=np.float32) / 8).reshape(4, 3)}
    for target in (12, 9, 7):
        assert_same_numbers(model, retarget(model, target), inputs, zeros=True)


def test_near_a_half_below_10() -> None:
    text = "g (float[6] x) => (uint8[6] y) <float s = {1}, uint8 p = {9}> { y = QuantizeLinear(x, s, p) }"
    model = parse(10, text)
    values = [0.49999997, 0.5, 1.5, 2.5000002, -0.49999997, 3e38]
    assert_same_numbers(model, step(model), {"x": np.array(values, dtype=np.float32)})


@pytest.mark.parametrize("kind", ["int16", "uint16"])
def test_16_bits_are_spelt_out(kind: str) -> None:
    model = parse(21, graph(f"<float s = {{0.001}}, {kind} p = {{7}}>", "", kind))
    assert_same_numbers(model, step(model), {"x": HALVES})
    assert_same_numbers(model, retarget(model, 9), {"x": HALVES})


@pytest.mark.parametrize("constant", [True, False])
def test_blocks_are_spelt_out(constant: bool) -> None:
    declared = "" if constant else ", float[N,4,4] s"
    constants = "<float[1,4,4] s = {" + ",".join(str(n) for n in range(1, 17)) + "}>" if constant else ""
    shape = "1" if constant else "N"
    model = parse(
        21,
        f"""g (float[{shape},4,10] x{declared}) => (uint8[{shape},4,10] y) {constants} {{
            y = QuantizeLinear<axis=-1, block_size=3>(x, s)
        }}""",
    )
    rows = HALVES[:1] if constant else HALVES
    scales = {} if constant else {"s": np.linspace(0.25, 2, 32, dtype=np.float32).reshape(2, 4, 4)}
    assert_same_numbers(model, step(model), {"x": np.abs(rows), **scales})


@pytest.mark.parametrize(
    ("opset", "text", "reason"),
    [
        (
            23,
            """g (float[2] x, float16 s) => (uint8[2] y) { y = QuantizeLinear(x, s) }""",
            "it divides in another type",
        ),
        (
            19,
            """g (float16[2] x, float16 s) => (uint8[2] y) { y = QuantizeLinear(x, s) }""",
            "its scale is no float32",
        ),
        (
            21,
            "g (float[2] x, float s, int4 p) => (int4[2] y) { y = QuantizeLinear(x, s, p) }",
            r"input 2 may not be tensor\(int4\)",
        ),
    ],
)
def test_what_the_older_form_cannot_say_is_refused(opset: int, text: str, reason: str) -> None:
    with pytest.raises(RetargetError, match=rf"QuantizeLinear .*{opset} to {opset - 1}: .*{reason}"):
        step(parse(opset, text))


@given(
    shape=shapes(least=1, most=2),
    kind=st.sampled_from(["int8", "uint8", "int16", "uint16"]),
    scales=st.sampled_from(["one", "channel", "block"]),
    place=st.integers(-3, 2),
    said=st.booleans(),
    zero=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_axis_and_block_below_23_21_and_19(
    shape: Shape, kind: str, scales: str, place: int, said: bool, zero: bool
) -> None:
    """Blocks of two; the zero point or ``output_dtype`` says the type, or none of them for uint8."""
    whole = (*shape.lengths, 4)
    rank = len(whole)
    axis = place % rank
    open_ = scales != "block" or axis > 0  # blocks are told apart along a fixed length only
    dims = f"[{shape.text[1:-1]},4]" if open_ else f"{list(whole)}"
    lengths = {"one": [], "channel": [whole[axis]], "block": list(whole)}[scales]
    if scales == "block":
        lengths[axis] = -(-lengths[axis] // 2)
    of = f"{lengths}" if lengths else ""
    declared, last = (f", {kind}{of} p", ", p") if zero else ("", "")
    attributes = [f"axis={axis - rank * (place < 0)}"] if lengths else []
    attributes += ["block_size=2"] if scales == "block" else []
    attributes += ["precision=1", "saturate=1"] if said else []
    if not zero and (kind != "uint8" or said):
        attributes += [f"output_dtype={TYPES[kind]}"]
    model = parse(
        23,
        f"""g (float{dims} x, float{of} s{declared}) => ({kind}{dims} y)
        {{ y = QuantizeLinear{in_brackets(attributes)}(x, s{last}) }}""",
    )
    generator = np.random.default_rng(4)
    inputs = {
        "x": np.asarray(generator.integers(-600, 600, whole) / 4).astype(np.float32),
        "s": np.asarray(2.0 ** generator.integers(-3, 2, lengths)).astype(np.float32),
    }
    if zero:
        inputs["p"] = np.asarray(generator.integers(0, 100, lengths, kind))
    for target in (22, 20, 18):
        assert_same_numbers(model, convert(model, 23, target).model, inputs)
