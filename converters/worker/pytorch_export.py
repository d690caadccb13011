"""From a torch network to an ONNX file."""

from __future__ import annotations

import re
from typing import Any

import torch

from protocol import EXPORT, TaskError

STEPS_UP = (13, 14, 16, 17)
"""Opsets that brought operators which exports of classifiers ask for; the exporter ends at 17 to 20."""


def write_onnx(network: Any, example: Any, path: str, opset: int) -> int:
    """Write ``network`` to ``path`` and return the opset, ``opset`` or the next that the exporter asks for.

    ``example`` is a batch of pictures, float32 (N, C, H, W), to trace with. The file has an input
    ``input`` and an output ``logits``, both with a symbolic first axis ``batch``. Raises TaskError
    where the exporter cannot say the network at any opset.
    """
    for candidate in (opset, *(step for step in STEPS_UP if step > opset)):
        try:
            _export(network, example, path, candidate)
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error)
            if not _wants_higher_opset(reason):
                break
        else:
            return candidate
    raise TaskError(EXPORT, "torch.onnx.export cannot say this model:\n" + _last_lines(reason))


def _export(network: Any, example: Any, path: str, opset: int) -> None:
    torch.onnx.export(
        network,
        (example,),
        path,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=opset,
        dynamo=False,
        # The network is in eval mode. PRESERVE keeps each BatchNormalization apart from its
        # convolution, so that every weight in the file is the framework's own, bit for bit.
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
    )


def _wants_higher_opset(reason: str) -> bool:
    return re.search(r"opset", reason) is not None and "request support" not in reason


def _last_lines(reason: str) -> str:
    told = reason.split("[Caused by", maxsplit=1)[0]  # a dump of the graph follows
    return "\n".join([line for line in told.splitlines() if line.strip()][-5:])
