"""torch's newer exporter: the second way, for networks that its older one cannot say.

It follows Python's own instructions where the older one traces a call, and knows more functions, but begins
at opset 18 and takes minutes. What it needs beside torch is imported when it is asked.
"""

from __future__ import annotations

from typing import Any, Container

import torch
from onnx.inliner import inline_local_functions

OPSET = 18
"""The lowest that it writes."""


def model_without_weights(network: Any, example: Any, weights: Container[str]) -> Any:
    """``network`` as an onnx.ModelProto at ``OPSET``, in which its ``weights`` are inputs, by their names.

    ``example`` is a batch of pictures, float32 (N, C, H, W) with N > 1. Raises whatever torch raises.
    """
    program = torch.onnx.export(
        _captured(network, example),
        input_names=["input"],
        output_names=["logits"],
        opset_version=OPSET,
        dynamo=True,
        optimize=False,  # it would put batch normalisations into the weights
        verbose=False,
    )
    graph = program.model.graph
    for name in [name for name in graph.initializers if name in weights]:
        value = graph.initializers.pop(name)
        value.const_value = None
        graph.inputs.append(value)
    import onnx_ir

    model = onnx_ir.to_proto(program.model)
    if model.functions:
        model = inline_local_functions(model)
    del model.graph.value_info[:]  # in names of torch's for the batch and what is made of it
    for port in (model.graph.input[0], model.graph.output[0]):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def _captured(network: Any, example: Any) -> Any:
    """``network`` as a program for any number of pictures.

    Following the tensors alone is the way that knows more networks; following Python's instructions as well
    is the one for which int() and len() of a length leave it open.
    """
    axes = ({0: torch.export.Dim("batch")},)
    try:
        return torch.export.export(network, (example,), dynamic_shapes=axes, strict=False)
    except Exception:  # noqa: BLE001 - whatever it is, the other way may know it
        return torch.export.export(network, (example,), dynamic_shapes=axes, strict=True)
