"""onnx's own cases of an operator, brought down and compared with the numbers that come with them."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx.backend.test.case.node import collect_testcases

from opsets.lowering import lower
from tests.opsets.comparing import run
from tools.opset_coverage.cases import frozen


@cache
def cases_of(operator: str) -> dict[str, Any]:
    """The cases with this one node, by name, without those that hold the function's body."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflows that the cases make on purpose
        cases = collect_testcases(operator)
    return {case.name: case for case in cases if "_expanded" not in case.name}


def assert_case(
    operator: str, name: str, target: int, constant: frozenset[str] = frozenset()
) -> onnx.ModelProto:
    """The case at ``target``, some inputs made ``constant``, gives the numbers that onnx expects."""
    case = cases_of(operator)[name]
    opset = next(entry.version for entry in case.model.opset_import if entry.domain == "")
    given, expected = case.data_sets[0]
    model, inputs = frozen(case.model, given, set(constant))
    lowered = lower(model, opset, target).model
    for found, wanted in zip(run(lowered, inputs), expected, strict=True):
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=case.rtol, atol=max(case.atol, 1e-6))
    return lowered
