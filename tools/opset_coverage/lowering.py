"""The two ways down that are compared, and what both results must satisfy before they are run."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from onnx import ModelProto

import opsets
from tools.opset_coverage.old_forms import violations

OPSETS, CONVERTER = "opsets.retarget", "onnx.version_converter"


class Refused(Exception):  # noqa: N818 - an answer, not a mistake
    """The tool says that it cannot bring the model down; the message is its reason."""


class Invalid(Exception):  # noqa: N818 - an answer, not a mistake
    """The tool's result is not a valid model of the target; the message says why."""


def retarget(model: ModelProto, target: int) -> ModelProto:
    try:
        return opsets.retarget(model, target)
    except opsets.RetargetError as error:
        raise Refused(str(error)) from error


def convert(model: ModelProto, target: int) -> ModelProto:
    try:
        return onnx.version_converter.convert_version(model, target)
    except Exception as error:
        raise Refused(str(error)) from error


TOOLS: dict[str, Callable[[ModelProto, int], ModelProto]] = {OPSETS: retarget, CONVERTER: convert}


def lower(tool: str, model: bytes, target: int) -> bytes:
    """``model`` at opset ``target`` by ``tool``, checked. Raises :class:`Refused`, :class:`Invalid`."""
    result = TOOLS[tool](onnx.load_from_string(model), target)
    try:
        onnx.checker.check_model(result, full_check=True)
    except Exception as error:
        raise Invalid(str(error)) from error
    breaches = violations(result)
    if breaches:
        raise Invalid("; ".join(breaches))
    return bytes(result.SerializeToString())
