"""Steps put around a network: which operators they become, what they compute, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import checker

from evaluation.counting import count_figures
from opsets import EmbeddedSteps, Normalisation, RetargetError, last_operator, retarget_file
from opsets.embedding import embed
from tests.opsets.comparing import Array, noise, parse, run

OFFSET, DIVISOR = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
NETWORK = """g (float[N,3,4,5] image) => (float[N,4] logits) <float[3,4] weight> {
    pooled = GlobalAveragePool(image) flat = Flatten<axis=1>(pooled) logits = MatMul(flat, weight)
}"""


def network() -> onnx.ModelProto:
    """The network, with weights."""
    values = ", ".join(map(str, noise((3, 4)).ravel()))
    return parse(12, NETWORK.replace("weight>", f"weight = {{{values}}}>"))


def pictures() -> Array:
    levels = np.random.default_rng(3).integers(0, 256, (2, 3, 4, 5))
    return levels.astype(np.float32)


def steps_by_hand(levels: Array, turned: bool) -> Array:
    """The logits' probabilities, with the steps taken in float64."""
    pixels = (levels[:, ::-1] if turned else levels).astype(np.float64)
    values = (pixels - np.reshape(OFFSET, (1, 3, 1, 1))) / np.reshape(DIVISOR, (1, 3, 1, 1))
    logits = values.mean(axis=(2, 3)) @ noise((3, 4)).astype(np.float64)
    powers = np.exp(logits)
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("opset", [12, 7, 6, 3])
def test_steps_are_computed_in_the_file_at_every_opset(tmp_path: Path, opset: int, turned: bool) -> None:
    onnx.save(network(), tmp_path / "net.onnx")
    steps = EmbeddedSteps(Normalisation(OFFSET, DIVISOR, turned), softmax=True)
    report = retarget_file(tmp_path / "net.onnx", opset, tmp_path / "made.onnx", steps=steps)
    made = onnx.load(tmp_path / "made.onnx")
    [answer] = run(made, {"image": pictures()})
    np.testing.assert_allclose(answer, steps_by_hand(pictures(), turned), atol=2e-6)
    assert [line for line in report.rewrites if line.startswith("Embedded")] == [
        *(["Embedded: the channels in the opposite order"] if turned else []),
        "Embedded: Sub of 123.675, 116.28, 103.53 by channel",
        "Embedded: Div of 58.395, 57.12, 57.375 by channel",
        "Embedded: Softmax over the classes",
    ]
    assert (made.graph.input[0].name, made.graph.output[0].name) == ("image", "logits")
    assert count_figures(made) == count_figures(network())  # nothing of it was learned


@pytest.mark.parametrize("opset", [6, 3])
def test_a_file_of_an_old_opset_takes_them_in_its_form(tmp_path: Path, opset: int) -> None:
    onnx.save(network(), tmp_path / "net.onnx")
    retarget_file(tmp_path / "net.onnx", opset, tmp_path / "old.onnx")
    model = onnx.load(tmp_path / "old.onnx")
    embed(model, EmbeddedSteps(Normalisation(OFFSET, DIVISOR, turned=True), softmax=True))
    checker.check_model(model, full_check=True)
    [answer] = run(model, {"image": pictures()})
    np.testing.assert_allclose(answer, steps_by_hand(pictures(), turned=True), atol=2e-6)


def test_what_changes_nothing_becomes_no_operator() -> None:
    model = network()
    assert embed(model, EmbeddedSteps(Normalisation((0, 0, 0), (1, 1, 1)))) == []
    assert model == network()
    assert len(embed(model, EmbeddedSteps(Normalisation(OFFSET, (1, 1, 1))))) == 1
    assert [node.op_type for node in model.graph.node][:2] == ["Sub", "GlobalAveragePool"]


def test_branches_that_see_the_input_see_the_normalised_one_and_names_do_not_meet() -> None:
    text = """g (float[1,3,1,1] x) => (float[1,3] y) {
        x_Sub = Identity(x)
        total = ReduceSum<keepdims=0>(x_Sub) zero = Constant<value_float=0.0>()
        positive = Greater(total, zero)
        chosen = If(positive) <then_branch = a () => (float[1,3,1,1] t) { t = Neg(x) },
                               else_branch = b () => (float[1,3,1,1] e) { e = Abs(x) }>
        y = Flatten<axis=1>(chosen)
    }"""
    model = parse(12, text)
    embed(model, EmbeddedSteps(Normalisation((10, 20, 30), (2, 2, 2))))
    checker.check_model(model, full_check=True)
    picture = np.array([4, 40, 20], np.float32).reshape(1, 3, 1, 1)
    [answer] = run(model, {"x": picture})  # -3, 10 and -5 add up to something positive
    np.testing.assert_array_equal(answer, [[3, -10, 5]])


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("y = Softmax<axis=1>(z)", "Softmax"),
        ("s = Softmax<axis=1>(z) i = Identity(s) y = Flatten<axis=1>(i)", "Softmax"),
        ("y = Sigmoid(z)", "Sigmoid"),
        ("s = Softmax<axis=1>(z) y = Add(s, z)", "Add"),
        ("y = Identity(z)", ""),
    ],
)
def test_what_a_network_ends_with_is_known(end: str, last: str) -> None:
    assert last_operator(parse(12, f"g (float[N,4] z) => (float[N,4] y) {{ {end} }}")) == last


@pytest.mark.parametrize(
    ("text", "steps", "words"),
    [
        (
            "g (float[N,3,2,2] a, float[N,3,2,2] b) => (float[N,3,2,2] y) { y = Add(a, b) }",
            EmbeddedSteps(Normalisation(OFFSET, DIVISOR)),
            "put before one input, and the model has 2: 'a', 'b'",
        ),
        (
            "g (float[N,1,2,2] x) => (float[N,1,2,2] y) { y = Relu(x) }",
            EmbeddedSteps(Normalisation(OFFSET, DIVISOR)),
            "a normalisation of 3 channels is put before float pictures (N, C, H, W), and the input 'x'",
        ),
        (
            "g (uint8[N,3,2,2] x) => (float[N,3,2,2] y) { y = Cast<to=1>(x) }",
            EmbeddedSteps(Normalisation(OFFSET, DIVISOR)),
            "the input 'x' is uint8 of shape",
        ),
        (
            "g (float[N,3,2,2] x) => (float[N,3,2,2] y) { y = Relu(x) }",
            EmbeddedSteps(softmax=True),
            "put behind logits (N, classes), and the model answers with 'y' of shape ['?', 3, 2, 2]",
        ),
        (
            "g (float[N,3] x) => (float[N,3] y, float[N,3] z) { y = Relu(x) z = Neg(x) }",
            EmbeddedSteps(softmax=True),
            "answers with 'y' of shape ['?', 3], 'z' of shape",
        ),
    ],
)
def test_what_does_not_fit_is_refused(text: str, steps: EmbeddedSteps, words: str) -> None:
    with pytest.raises(RetargetError) as raised:
        embed(parse(12, text), steps)
    assert words in str(raised.value)


def test_below_opset_7_the_size_has_to_be_known() -> None:
    model = parse(6, "g (float[N,3,H,W] x) => (float[N,3,H,W] y) { y = Relu(x) }")
    with pytest.raises(RetargetError, match="needs the height and width of the input 'x', which are open"):
        embed(model, EmbeddedSteps(Normalisation(OFFSET, DIVISOR)))
