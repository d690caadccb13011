"""What the thin networks of the PyTorch sources share; see ``thin_worker.py``."""

from __future__ import annotations

import contextlib
from typing import Any, ContextManager, Dict, List, Sequence

import torch
from torch.utils._python_dispatch import TorchDispatchMode

import thin_lengths
from networks import Network

LINEAR = {torch.nn.Linear: ("in_features", "out_features")}
LAYERS = {
    torch.nn.Conv2d: ("in_channels", "out_channels"),
    torch.nn.BatchNorm2d: ("num_features",),
    **LINEAR,
}


def shorten_layers(divisor: int) -> None:
    thin_lengths.shorten(LAYERS, divisor)


def fresh_names() -> ContextManager[None]:
    return contextlib.nullcontext()


class Recorder(TorchDispatchMode):  # type: ignore[misc]
    """Keeps the names of what torch computes."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: List[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        result = function(*arguments, **(named or {}))
        first = result[0] if isinstance(result, (tuple, list)) else result
        self.operators.append(" ".join(map(str, [function.name(), *first.shape[2:]])))
        return result


def operators(names: Dict[str, Any], model: str, sizes: Sequence[int]) -> List[str]:
    """What the network computes. The meta device knows shapes only: it needs no weights and no time."""
    with torch.device("meta"):
        network = names["build"](Network(model)).eval()
        pictures = torch.zeros(2, *sizes)
    recorder = Recorder()
    with torch.inference_mode(), recorder:
        network(pictures)
    return recorder.operators
