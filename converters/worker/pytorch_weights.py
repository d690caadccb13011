"""Reading checkpoints of PyTorch without running code, and fitting them to a network."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from typing import Any, Dict, Tuple

import safetensors
import safetensors.torch
import torch

from checkpoints import matching
from protocol import WEIGHTS, TaskError

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
    name = os.path.basename(path)
    if path.endswith(".safetensors"):
        try:
            return dict(safetensors.torch.load_file(path))
        except (safetensors.SafetensorError, OSError) as error:
            raise TaskError(WEIGHTS, f"{name} cannot be read as safetensors: {error}") from error
    if _is_torchscript(path):
        raise TaskError(
            WEIGHTS,
            f"{name} is a TorchScript archive (torch.jit.ScriptModule), which holds code: save the "
            "state_dict() of the network instead, best as .safetensors",
        )
    try:
        # Mapped, the state of an optimiser, which may be there beside the weights, takes no memory.
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=_can_be_mapped(path))
    except pickle.UnpicklingError as error:
        raise _unsafe(name, error) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _unreadable(name, error) from error
    return _state(checkpoint, name)


def _is_torchscript(path: str) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(member.endswith("/constants.pkl") for member in archive.namelist())


def _can_be_mapped(path: str) -> bool:
    """Whether the tensors lie in the file as they are: not in torch.save's format of old, nor compressed."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())


def _unreadable(name: str, error: Exception) -> TaskError:
    reason = f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]
    return TaskError(
        WEIGHTS, f"{name} cannot be read: it is damaged, or was not written by torch.save ({reason})"
    )


def _unsafe(name: str, error: Exception) -> TaskError:
    reason = str(error)
    found = re.search(r"GLOBAL ([\w.]+)|(?:class|type|function) '?([\w.]+)", reason)
    if found is None:
        return _unreadable(name, error)
    return TaskError(
        WEIGHTS,
        f"{name} holds {found.group(1) or found.group(2)}, which is neither a tensor nor a plain container, "
        "and loading it could run code: save the state_dict() alone, best as .safetensors",
    )


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
    given = {name: value for name, value in tensors.items() if not name.endswith(COUNTER)}
    named = _unwrapped(given, wanted)
    named = {name: value for name, value in named.items() if name in wanted or not name.startswith(unused)}
    matched, how = matching(_shapes(named), _shapes(wanted))
    network.load_state_dict({ours: named[theirs] for ours, theirs in matched.items()}, strict=False)
    return how


def _unwrapped(given: Tensors, wanted: Tensors) -> Tensors:
    """``given`` without the prefixes that all of its names have and none of ``wanted`` has."""
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in given) and not any(
            name.startswith(prefix) for name in wanted
        ):
            return _unwrapped({name[len(prefix) :]: value for name, value in given.items()}, wanted)
    return given


def _shapes(tensors: Tensors) -> Dict[str, Tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}
