"""Reading checkpoints of PyTorch without running code, and fitting them to a network."""

from __future__ import annotations

import argparse
import os
from typing import Any, Dict, Tuple

import safetensors
import safetensors.torch
import torch

from checkpoints import matching, refuse_pointer
from protocol import WEIGHTS, TaskError
from pytorch_files import can_be_mapped, require_plain, unreadable

STATE_KEYS = ("state_dict_ema", "model_ema", "state_dict", "model")
"""Under which training scripts keep the tensors; averaged ones first, as timm does."""
WRAPPERS = ("module.", "_orig_mod.", "model.")
"""Prefixes that DataParallel, torch.compile and Lightning put before every name."""
COUNTER = "num_batches_tracked"
"""BatchNorm's count of training steps: old checkpoints lack it, and inference does not read it."""
SHOWN = 4

Tensors = Dict[str, Any]


def read_checkpoint(path: str) -> Tensors:
    """Read the tensors of a .pth, .pt, .bin or .safetensors file by name, without running code.

    Raises TaskError where the file is damaged, holds anything but tensors and plain containers, or
    no tensors.
    """
    refuse_pointer(path)
    name = os.path.basename(path)
    if path.endswith(".safetensors"):
        try:
            return dict(safetensors.torch.load_file(path))
        except (safetensors.SafetensorError, OSError) as error:
            raise TaskError(WEIGHTS, f"{name} cannot be read as safetensors: {error}") from error
    require_plain(path)
    try:
        # Mapped, the state of an optimiser, which may be there beside the weights, takes no memory.
        with torch.serialization.safe_globals([argparse.Namespace]):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=can_be_mapped(path))
    except Exception as error:  # a damaged pickle raises anything
        raise unreadable(name, error) from error
    return _state(checkpoint, name)


def _state(checkpoint: Any, name: str) -> Tensors:
    """The tensors by name in what was loaded, one level down where a training script put them there."""
    if isinstance(checkpoint, dict):
        for key in STATE_KEYS:
            if isinstance(checkpoint.get(key), dict):
                return _state(checkpoint[key], name)
        tensors = {key: value for key, value in checkpoint.items() if isinstance(value, torch.Tensor)}
        if tensors:
            return tensors
        what = f"a dict with the keys {', '.join(sorted(map(str, checkpoint)))[:200]}"
    else:
        what = f"a {type(checkpoint).__name__}"
    raise TaskError(
        WEIGHTS, f"{name} holds no tensors by name: it is {what}. Save the network's state_dict()"
    )


def fit(network: Any, tensors: Tensors, unused: Tuple[str, ...]) -> str:
    """Copy ``tensors`` into ``network`` and say how they were matched: ``by name`` or ``in order``.

    By name where all names agree, apart from wrappers' prefixes, from the counters of BatchNorm and
    from ``unused``, the beginnings of names that only training needs; else in order, as
    :func:`checkpoints.matching` has it. Raises TaskError, naming tensors that do not fit, otherwise.
    """
    wanted = {name: value for name, value in network.state_dict().items() if not name.endswith(COUNTER)}
    loaded = {name: value for name, value in tensors.items() if not name.endswith(COUNTER)}
    named = _unwrapped(loaded, wanted)
    named = {name: value for name, value in named.items() if name in wanted or not name.startswith(unused)}
    matched, how = matching(_shapes(named), _shapes(wanted))
    network.load_state_dict({ours: named[theirs] for ours, theirs in matched.items()}, strict=False)
    return how


def _unwrapped(loaded: Tensors, wanted: Tensors) -> Tensors:
    """``loaded`` without the prefixes that all of its names have and none of ``wanted`` has."""
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in loaded) and not any(
            name.startswith(prefix) for name in wanted
        ):
            return _unwrapped({name[len(prefix) :]: value for name, value in loaded.items()}, wanted)
    return loaded


def _shapes(tensors: Tensors) -> Dict[str, Tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}
