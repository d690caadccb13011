"""One clean line, whatever a model calls its nodes."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from opsets import RetargetError, retarget
from opsets.errors import printable

NASTY = "n\x1b[2J\r\n\x07\u202e\x9b\ud800é"


def test_what_is_printable_stays() -> None:
    assert printable("Öffnung 'α' → 日本") == "Öffnung 'α' → 日本"
    assert printable("a\nb\t\x1b[0m\u202e\ud800") == r"a\nb\t\x1b[0m\u202e\ud800"


@pytest.mark.parametrize("operator", ["Nope\x1b[31m\n", "Multinomial", "Reshape"])
def test_a_refusal_is_one_printable_line(operator: str) -> None:
    """The operator is unknown, has no older form, or lacks an input; each names the node."""
    name = NASTY.replace("\ud800", "")
    x = helper.make_tensor_value_info(f"x{name}", TensorProto.FLOAT, [2, 2])
    y = helper.make_tensor_value_info(f"y{name}", TensorProto.INT32, ["M", "N"])
    node = helper.make_node(operator, [x.name], [y.name], f"node{name}")
    graph = helper.make_graph([node], "g", [x], [y])
    model = helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 13)])
    assert isinstance(model, onnx.ModelProto)
    with pytest.raises(RetargetError) as caught:
        retarget(model, 3)
    message = str(caught.value)
    assert message.isprintable()
    assert operator[:4] in message
    assert r"\x1b[2J" in message
