"""onnx's own cases of an operator, brought down and compared with the numbers that come with them."""

from __future__ import annotations

import warnings
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import onnx
from onnx.backend.test.case import node

from opsets.conversion import convert
from tests.opsets.comparing import run
from tools.opset_coverage.cases import frozen


def cases_of(operator: str) -> dict[str, Any]:
    """The cases with one node, of this ``operator``, by name: its module alone is imported for them."""
    names = (module.name for module in iter_modules(node.__path__))
    name = next(name for name in names if name.replace("_", "") == operator.lower())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflows that the cases make on purpose
        import_module(f"{node.__name__}.{name}")
    return {
        case.name: case
        for case in node._NodeTestCases
        if [one.op_type for one in case.model.graph.node] == [operator]
    }


def assert_case(
    operator: str, name: str, target: int, constant: frozenset[str] = frozenset()
) -> onnx.ModelProto:
    """The case at ``target``, some inputs made ``constant``, gives the numbers that onnx expects."""
    case = cases_of(operator)[name]
    opset = next(entry.version for entry in case.model.opset_import if entry.domain == "")
    given, expected = case.data_sets[0]
    model, inputs = frozen(case.model, given, set(constant))
    lowered = convert(model, opset, target).model
    for found, wanted in zip(run(lowered, inputs), expected, strict=True):
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=case.rtol, atol=max(case.atol, 1e-6))
    return lowered
