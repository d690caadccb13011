"""What the layers of a torch network answer with, told while it runs."""

from __future__ import annotations

from typing import Any, Tuple

import torch

from protocol import MODEL, TaskError
from tracing import Recorder


def tell_of_layers(network: Any, recorder: Recorder, model: str) -> None:
    """Let every module inside of ``network`` tell ``recorder`` what it answers with, each time that it does.

    Functions that are no modules tell nothing. Raises TaskError for an archive, whose modules take no hooks.
    """
    if isinstance(network, torch.jit.ScriptModule):
        raise TaskError(MODEL, f"{model} is a TorchScript archive, whose layers take no hooks")
    for name, module in network.named_modules():
        if name:
            module.register_forward_hook(_hook(name, recorder))


def _hook(name: str, recorder: Recorder) -> Any:
    def tell(module: Any, inputs: Tuple[Any, ...], answer: Any) -> None:
        recorder.note(name, type(module).__name__, _arrays(answer))

    return tell


def _arrays(answer: Any) -> Any:
    """The arrays of floats in what a module answers with."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple)):
        return [_arrays(each) for each in answer]
    if isinstance(answer, torch.Tensor) and answer.is_floating_point():
        return answer.detach().float().numpy()
    return None
