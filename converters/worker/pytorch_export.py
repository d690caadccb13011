"""From a torch network to an ONNX file."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from typing import Any, Dict, Iterator, NamedTuple

import onnx
import torch

import onnx_stream
from protocol import EXPORT, TaskError
from pytorch_equivalents import Equivalents
from pytorch_new_exporter import OPSET, model_without_weights

STEPS_UP = (13, 14, 16, 17)
"""Opsets that brought operators which exports of classifiers ask for; the exporter ends at 17 to 20."""
LARGEST_VALUE = 1 << 16
"""Elements of the largest tensor whose values, and not its type alone, the inference of shapes may see."""


class _FixedBatchError(Exception):
    """What would be written is right for the number of pictures alone that it was traced with."""


class Written(NamedTuple):
    """What an ONNX file was written at and by."""

    opset: int
    exporter: str
    """As a record says it."""


def write_onnx(network: Any, example: Any, path: str, opset: int) -> Written:
    """Write ``network`` to ``path`` at ``opset``, or the next that the exporter asks for.

    Where ``opset`` is beyond the highest that the exporter writes, it is that.

    ``example`` is a batch of pictures, float32 (N, C, H, W) with N > 1, to trace with. The file has an input
    ``input`` and an output ``logits``, both with a symbolic first axis ``batch``. What torch's older exporter
    cannot say is left to the newer one. Raises TaskError where neither can say the network at any opset.
    """
    opset = wanted = min(opset, _highest_opset())
    for candidate in (opset, *(step for step in STEPS_UP if step > opset)):
        if candidate < wanted:
            continue
        try:
            _export(network, example, path, candidate)
        except TaskError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a trace runs into: the newer one does not trace
            reason = str(error) or type(error).__name__
            if not _wants_higher_opset(reason):
                break
            wanted = _opset_named(reason)
        else:
            return Written(candidate, "torch.onnx.export")
    refused = "torch.onnx.export cannot say this model: " + _last_lines(reason)
    if isinstance(network, torch.jit.ScriptModule):
        raise TaskError(EXPORT, refused)  # the newer exporter takes what Python runs
    print(f"{refused}\nTrying torch's newer exporter")
    try:
        model = model_without_weights(network, example, network.state_dict())
    except Exception as error:
        raise TaskError(
            EXPORT, f"{refused}\nNor can it with dynamo=True: {_last_lines(str(error))}"
        ) from error
    onnx_stream.write(model, _weights(network), path)
    return Written(OPSET, "torch.onnx.export, dynamo=True")


def _highest_opset() -> int:
    """The highest opset of the exporter that traces, as its version names it: torch 1.13 has one for all."""
    constants = torch.onnx._constants
    return int(getattr(constants, "ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET", constants.ONNX_MAX_OPSET))


def _export(network: Any, example: Any, path: str, opset: int) -> None:
    graph = io.BytesIO()
    with _weights_by_type(), Equivalents() as functions, _in_little_memory():
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
    if functions.took_numbers and not _traces_openly(network, example):
        raise _FixedBatchError(
            f"what it traces computes for batches of {len(example)} alone, as where the number of pictures "
            "is made a number of Python's"
        )
    model = onnx.load_model_from_string(graph.getvalue())
    onnx_stream.write(model, _weights(network), path)


def _traces_openly(network: Any, example: Any) -> bool:
    """Whether a trace of ``network`` with ``example`` is right for another number of pictures."""
    more = torch.cat([example, example[:1]])
    with torch.no_grad(), torch.jit.optimized_execution(False), warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        expected = network(more)
        try:
            with Equivalents():  # as it is exported
                trace = torch.jit.trace(_to_trace(network), example, check_trace=False)
            traced = trace(more)
        except RuntimeError:
            return False
    if traced.shape != expected.shape:
        return False
    largest = float(expected.abs().max())
    return bool(torch.allclose(traced, expected, rtol=0, atol=1e-3 * largest, equal_nan=True))


def _to_trace(network: Any) -> Any:
    """``network`` as a function, whose trace takes half the time; as it is where TorchScript is in it."""
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        return network
    for parameter in network.parameters():
        parameter.requires_grad_(False)  # else it could not be a constant of the trace

    def answer(pictures: Any) -> Any:
        return network(pictures)

    return answer


@contextlib.contextmanager
def _in_little_memory() -> Iterator[None]:
    """Let tracing hold nothing of what goes from layer to layer, and no kernel twice.

    Autograd would keep all activations, which is most of the memory; without gradients at all, attention of
    torch's own would be one operator that no exporter knows. oneDNN would lay out a copy of large kernels in
    its own way.
    """
    nothing_kept = torch.autograd.graph.saved_tensors_hooks(lambda tensor: None, lambda nothing: nothing)
    with nothing_kept, torch.backends.mkldnn.flags(enabled=False):
        yield


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


def _opset_named(reason: str) -> int:
    """The opset that has the operator which ``reason`` speaks of; 0 where it does not say."""
    named = re.search(r"was added in version (\d+)", reason)
    return int(named[1]) if named else 0


def _last_lines(reason: str) -> str:
    """What is said last in ``reason``, and the operator that it is about first."""
    message = reason.split("[Caused by", maxsplit=1)[0]  # a dump of the graph follows
    message = message.split("(Refer to the full stack trace", maxsplit=1)[0]
    lines = [line for line in message.splitlines() if line.strip()][-5:]
    lines.sort(key=lambda line: re.search(r"aten[.:]|operator", line) is None)
    return "\n".join(lines)
