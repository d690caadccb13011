"""Refusals: all obstacles at once, said of the nodes that the user has, and nothing that is not so."""

from __future__ import annotations

import pytest
from onnx import parser

from opsets import RetargetError, retarget
from opsets.registry import ADAPTERS
from opsets.rewrite import Rewrite
from tests.opsets.comparing import assert_same_numbers, noise, parse


def _refusal(opset: int, text: str, target: int) -> str:
    with pytest.raises(RetargetError) as caught:
        retarget(parse(opset, text), target)
    return str(caught.value)


def test_all_obstacles_are_told_each_kind_once() -> None:
    text = """g (float[2,3] x, int64[1] a, int64[1] b) => (float[A,B] y, float[C,D] z, float[M] values) {
        [mean] y = ReduceMean(x, a) [other_mean] z = ReduceMean(x, b) [found] values = Unique(x)
    }"""
    first = (
        "ReduceMean (node 'mean') and 1 more like it, opset 18 to 17: its axes (a) are computed at run time, "
        "not constant; it is not known to be possible below opset 18"
    )
    assert _refusal(18, text, 12) == first
    second = (
        "Unique (node 'found'), opset 11 to 10: no older operator finds elements that are equal, and counts "
        "them; it is not known to be possible below opset 11"
    )
    assert _refusal(18, text, 7) == f"2 obstacles: (1) {first}; (2) {second}"


def test_what_was_made_of_a_node_is_told_as_that_node() -> None:
    """No Expand is in the model; and that our way needs one does not prove that there is no other."""
    text = "g (int64[2] s) => (float[A,B] y) { [zeros] y = ConstantOfShape(s) }"
    message = _refusal(17, text, 7)
    assert message.startswith("ConstantOfShape (node 'zeros'), by now Expand, opset 8 to 7: ")
    assert message.endswith("; it is not known to be possible below opset 8")


OPEN = """g (float[N,C] x, float[N,D] z) => (float[N,E] y) <int64 one = {1}> {
    a = CumSum(x, one) b = CumSum(z, one) [sum] y = Add(a, b)
}"""


def test_open_axes_that_are_the_reason_are_named_and_fixing_them_helps() -> None:
    """The batch may stay open, so it is not among them."""
    message = _refusal(13, OPEN, 6)
    assert message.endswith("; fixing axis 1 (C) of the input 'x', axis 1 (D) of the input 'z' would help")
    fixed = parse(13, OPEN.replace("C]", "4]").replace("D]", "4]"))
    for target in (6, 3):
        assert_same_numbers(fixed, retarget(fixed, target), {"x": noise((2, 4)), "z": noise((2, 4), seed=8)})


def test_where_fixing_axes_does_not_help_nothing_is_said_of_it() -> None:
    text = "g (float[N,H,3] x, int64[1] a) => (float[A,B,C] y) { y = ReduceMean(x, a) }"
    assert "fixing" not in _refusal(18, text, 12)


def test_the_end_is_not_called_so_where_fixing_axes_leads_on() -> None:
    text = """g (float[N,H] x) => (float[1] y) <int64[1] six = {6}> {
        s = Shape<start=1>(x) bits = BitwiseAnd(s, six) f = Cast<to=1>(bits) y = Cos(f)
    }"""
    message = _refusal(18, text, 7)
    assert message.endswith("; fixing axis 1 (H) of the input 'x' would help")
    fixed = parse(18, text.replace("N,H", "N,4"))
    assert_same_numbers(fixed, retarget(fixed, 7), {"x": noise((2, 4))})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("g (float[2] x) => (float[2] y) { y = Nope(x) }", "No Op registered for Nope"),
        ("g (float[2] x) => (float[2] y) { y = Softmax<axis=3>(x) }", "axis"),
        ("g (float[2] x, float[3] z) => (float[2] y) { a = Neg(x) y = Add(a, z) }", "Add"),
        ("g (float[2] x) => (float[2] y) { y = Add(x, nowhere) }", "nowhere"),
    ],
)
def test_a_source_that_is_not_valid_is_called_so(text: str, reason: str) -> None:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": 13]> {text}')
    with pytest.raises(RetargetError, match=rf"^the source is not a valid model: .*{reason}"):
        retarget(model, 7)


def test_a_result_that_is_not_valid_is_not_the_fault_of_a_source_at_ir_3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its initializers are graph inputs, too, which the graph that is looked at again has lost."""

    def spoil(rewrite: Rewrite) -> None:
        rewrite.set_attribute("nothing", 1)

    monkeypatch.setitem(ADAPTERS, ("Add", 6, 7), spoil)
    model = parse(6, "g (float[2] x) => (float[2] y) <float[2] w = {1,2}> { y = Add(x, w) }")
    with pytest.raises(RetargetError, match=r"^the result is not valid at opset 7: .*nothing"):
        retarget(model, 7)
