"""Operators whose values are of a type that older opsets do not have: sequences, optionals."""

from __future__ import annotations

import onnx_ir as ir

from opsets.errors import CannotAdapt, Impossible
from opsets.registry import adapts
from opsets.rewrite import Rewrite


def needs_type(operator: str, newer: int, kind: type[ir.TypeProtocol], said: str, why: str = "") -> None:
    """Stop each ``operator`` node of opset ``newer``, below which there are no values of ``kind``.

    ``said`` is the name of ``kind``. Where a value of it enters or leaves the main graph, that is the
    proof that nothing older says it; all others might be tensors, and ``why`` says what keeps us.
    """
    missing = f"there are no values of {said} type below {newer}"

    @adapts(operator, newer, newer - 1)
    def refuse(rewrite: Rewrite) -> None:
        if any(isinstance(value.type, kind) for value in rewrite.values_of_the_interface()):
            raise Impossible(f"{missing}, and this one enters or leaves the graph")
        raise CannotAdapt(missing + why)
