"""A model at every opset that it is brought to, and the runtimes that compute it there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx

from opsets import retarget
from parity.raising import raise_to_9
from tests.opsets.comparing import Array, run_onnxruntime, run_openvino

OPSETS = (9, 8, 7, 6, 5, 3)


def assert_same_below(
    model: onnx.ModelProto,
    cases: Iterable[Mapping[str, Array]],
    opsets: Iterable[int] = OPSETS,
    tolerance: float = 0,
) -> None:
    """``model``, of 7 or above, says the same of ``cases`` at ``opsets``, within a relative ``tolerance``.

    By onnxruntime, which below 7 takes the file as raised by the rules of verification, and by OpenVINO where
    it can be asked: below 6 it takes no Cast.
    """
    wanted = [run_onnxruntime(model, case) for case in cases]
    for opset in opsets:
        lowered = retarget(model, opset)
        raised = onnx.ModelProto()
        raised.CopyFrom(lowered)
        if opset < 7:
            raise_to_9(raised)
        for case, outputs in zip(cases, wanted, strict=True):
            found = [run_onnxruntime(raised, case)] + ([run_openvino(lowered, case)] if opset > 5 else [])
            for each in found:
                for one, other in zip(each, outputs, strict=True):
                    assert (one.dtype, one.shape) == (other.dtype, other.shape), opset
                    np.testing.assert_allclose(one, other, rtol=tolerance, err_msg=f"opset {opset}")
