"""Checkpoints of Gluon networks: the model store's, and files of either of Gluon's formats."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import requests
import safetensors
import safetensors.numpy
from mxnet.gluon.model_zoo import model_store

from checkpoints import matching
from protocol import WEIGHTS, TaskError


def load_pretrained(network: Any, name: str) -> str:
    """Load the model store's own weights; the sha256 of the file that was downloaded."""
    try:
        path = model_store.get_model_file(name)
    except (OSError, ValueError, RuntimeError, requests.RequestException) as error:
        raise TaskError(
            WEIGHTS,
            f"cannot download the pretrained weights of {name}: {error}; "
            "allow the network access, or name a weights file instead",
        ) from error
    network.load_parameters(path)
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_file(path: str) -> dict[str, Any]:
    """The float32 tensors of a ``.params`` or ``.safetensors`` file by name, in the file's order."""
    try:
        load = safetensors.numpy.load_file if path.endswith(".safetensors") else mx.nd.load
        tensors = load(path)
    except (OSError, TypeError, mx.base.MXNetError, safetensors.SafetensorError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise TaskError(
            WEIGHTS,
            f"cannot read {path}: {reason}; it may be truncated or not a weights file: fetch it again",
        ) from error
    if not isinstance(tensors, Mapping):
        tensors = {str(index): tensor for index, tensor in enumerate(tensors)}
    arrays = {}
    for name, tensor in tensors.items():
        array = tensor if isinstance(tensor, np.ndarray) else tensor.asnumpy()
        short = name[4:] if name.startswith(("arg:", "aux:")) else name
        arrays[short] = array.astype(np.float32, copy=False)
    return arrays


def _without_prefix(names: list[str]) -> dict[str, str]:
    """Names as ``export`` and ``collect_params`` write them, without the network's counted prefix."""
    return {name.split("_", 1)[-1]: name for name in names}


def _renamed(tensors: dict[str, Any], network: Any, structured: dict[str, Any]) -> dict[str, Any]:
    """``tensors`` under the structured names of ``save_parameters``, where ``export`` wrote them."""
    flat = {id(parameter): name for name, parameter in network.collect_params().items()}
    ours = _without_prefix([flat[id(parameter)] for parameter in structured.values()])
    theirs = _without_prefix(list(tensors))
    if len(theirs) != len(tensors) or set(theirs) != set(ours):
        return tensors
    names = {flat[id(parameter)]: name for name, parameter in structured.items()}
    return {names[ours[short]]: tensors[name] for short, name in theirs.items()}


def load_file(network: Any, path: str) -> str:
    """Load a checkpoint into ``network``; how its tensors were matched: ``by name`` or ``in order``.

    Names may be those of ``save_parameters`` or of ``export``. Where they are neither, the tensors
    are taken in order, as :func:`checkpoints.matching` has it.
    """
    parameters = network._collect_params_with_prefix()
    tensors = _renamed(read_file(path), network, parameters)
    matched, how = matching(
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        {name: tuple(parameter.shape) for name, parameter in parameters.items()},
    )
    for name, parameter in parameters.items():
        parameter.initialize()
        parameter.set_data(mx.nd.array(tensors[matched[name]]))
    return how
