"""Inference programs as paddle2onnx reads them: attributes of the types it asks for, operators it knows."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import paddle

import paddle_operators
import paddle_restatements
from paddle_attributes import Meant, meant
from protocol import EXPORT, TaskError

READ_AS_DOUBLE = ("full",)
"""The operators whose numbers paddle2onnx reads in double precision."""
NAME = "#"
"""The key under which Paddle's JSON has the name of an operator, and the type of an attribute."""
DOUBLE, SINGLE = "0.a_f64", "0.a_f32"
"""Types of attributes in Paddle's JSON."""


def read(model: str) -> Any:
    """The program in the file ``model`` of either format, as a ``paddle.static.Program`` of Paddle 3's."""
    if model.endswith(".json"):
        program = paddle.static.Program()
        paddle.base.core.deserialize_pir_program(model, program)
        return program
    with paddle.pir_utils.OldIrGuard(), open(model, "rb") as stream:
        old = paddle.static.deserialize_program(stream.read())
    return paddle.pir.translate_to_pir(old.desc)


def write_for_conversion(model: str, path: str) -> List[Meant]:
    """Write the program in the file ``model`` to ``path``, a JSON file, for paddle2onnx.

    Returns what has to be in the nodes that it writes. Operators that it says wrongly, or not at all, are
    said with others of Paddle's. Raises TaskError where one is left that it cannot say.
    """
    with paddle.pir_utils.IrGuard():
        program = read(model)
        paddle_restatements.restate(program)
        operators = list(paddle_operators.nested(program.global_block()))
        strange = paddle_operators.unknown(operator.name() for operator in operators)
        if strange:
            raise TaskError(EXPORT, f"paddle2onnx has no translation to ONNX of the operators {strange}")
        numbers = meant(operators)
        paddle.base.core.serialize_pir_program(program, path)
    with open(path, encoding="utf-8") as stream:
        saved = json.load(stream)
    for region in saved["program"]["regions"]:
        _narrow(region)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(saved, stream)
    return numbers


def _narrow(region: Dict[str, Any]) -> None:
    """Give the attributes in a region single precision where paddle2onnx asks for that.

    Paddle 3.3 made doubles of what were floats. paddle2onnx asks for floats, finds none, and goes on with
    what is in the memory of a variable that nobody has set, or says that an element is no FloatAttribute
    (https://github.com/PaddlePaddle/Paddle/issues/77757).
    """
    for block in region["blocks"]:
        for operator in block["ops"]:
            if operator[NAME].split(".", 1)[-1] not in READ_AS_DOUBLE:
                for attribute in operator["A"]:
                    _narrow_value(attribute)
            for inner in operator.get("regions", []):
                _narrow(inner)


def _narrow_value(value: Any) -> None:
    children: List[Any] = value if isinstance(value, list) else []
    if isinstance(value, dict):
        if value.get(NAME) == DOUBLE:
            value[NAME] = SINGLE
        children = list(value.values())
    for child in children:
        _narrow_value(child)
