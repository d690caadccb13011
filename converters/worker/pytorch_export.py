"""From a torch network to an ONNX file."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any, Dict, Iterator

import onnx
import torch

import onnx_stream
from protocol import EXPORT, TaskError
from pytorch_equivalents import Equivalents

STEPS_UP = (13, 14, 16, 17)
"""Opsets that brought operators which exports of classifiers ask for; the exporter ends at 17 to 20."""
LARGEST_VALUE = 1 << 16
"""Elements of the largest tensor whose values, and not its type alone, the inference of shapes may see."""


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
    graph = io.BytesIO()
    # oneDNN would lay out a copy of large kernels in its own way, beside all that tracing holds.
    with _weights_by_type(), Equivalents(), torch.backends.mkldnn.flags(enabled=False):
        torch.onnx.export(
            network,
            (example,),
            graph,
            export_params=False,  # the weights are inputs, and onnx_stream attaches their values
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
    model = onnx.load_model_from_string(graph.getvalue())
    onnx_stream.write(model, _weights(network), path)


@contextlib.contextmanager
def _weights_by_type() -> Iterator[None]:
    """Let the exporter infer shapes from the types of large weights.

    It would copy each of them into a model of one node, twice over, and read only the shape there.
    """
    with_values = torch._C._jit_pass_onnx_graph_shape_type_inference

    def inference(graph: Any, values: Dict[str, Any], opset: int) -> None:
        small = {name: value for name, value in values.items() if not _is_large(value)}
        with_values(graph, small, opset)

    torch._C._jit_pass_onnx_graph_shape_type_inference = inference
    try:
        yield
    finally:
        torch._C._jit_pass_onnx_graph_shape_type_inference = with_values


def _is_large(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.numel() > LARGEST_VALUE


def _weights(network: Any) -> Dict[str, onnx_stream.Weight]:
    """The parameters and buffers of ``network`` by the names that the exporter gives them."""
    tensors = network.state_dict()
    return {name: _weight(tensor) for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}


def _weight(tensor: Any) -> onnx_stream.Weight:
    def pieces() -> Iterator[Any]:
        yield tensor.contiguous().numpy()

    return onnx_stream.Weight(tensor.numel() * tensor.element_size(), pieces)


def _wants_higher_opset(reason: str) -> bool:
    return re.search(r"opset", reason) is not None and "request support" not in reason


def _last_lines(reason: str) -> str:
    message = reason.split("[Caused by", maxsplit=1)[0]  # a dump of the graph follows
    return "\n".join([line for line in message.splitlines() if line.strip()][-5:])
