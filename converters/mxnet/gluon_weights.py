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

from protocol import WEIGHTS, TaskError

# What other frameworks call the parameters of a batch normalisation.
ROLES = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_var": "running_var"}


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


def _match_by_name(network: Any, tensors: Mapping[str, Any]) -> list[tuple[str, str, Any]] | None:
    """(file name, parameter name, parameter) of all, or None where the names are not Gluon's."""
    structured = network._collect_params_with_prefix()
    if set(structured) == set(tensors):
        return [(name, name, parameter) for name, parameter in structured.items()]
    flat = network.collect_params()
    theirs, ours = _without_prefix(list(tensors)), _without_prefix(list(flat))
    if len(theirs) == len(tensors) and set(theirs) == set(ours):
        return [(theirs[key], ours[key], flat[ours[key]]) for key in ours]
    return None


def _role(name: str) -> str:
    """``weight``, ``bias``, ``running_mean`` or ``running_var``, or empty where a name does not say."""
    for ending, role in [*ROLES.items(), *((role, role) for role in ROLES.values())]:
        if name.endswith(ending):
            return role
    return ""


def _mismatches(pairs: list[tuple[str, str, Any]], tensors: Mapping[str, Any]) -> list[str]:
    found = []
    for theirs, ours, parameter in pairs:
        shape, roles = tuple(tensors[theirs].shape), {_role(theirs), _role(ours)} - {""}
        if shape != tuple(parameter.shape) or len(roles) > 1:
            found.append(f"{ours} {tuple(parameter.shape)} against {theirs} {shape}")
    return found


def load_file(network: Any, path: str) -> str:
    """Load a checkpoint into ``network``; how its tensors were matched: ``by name`` or ``in order``.

    Names may be those of ``save_parameters`` or of ``export``. Where they are neither, all tensors
    must have the parameters' shapes in the same order, and not say another role than theirs.
    """
    tensors = read_file(path)
    parameters = network._collect_params_with_prefix()
    pairs, how = _match_by_name(network, tensors), "by name"
    if pairs is None:
        how = "in order"
        pairs = [(theirs, ours, parameters[ours]) for theirs, ours in zip(tensors, parameters, strict=False)]
    mismatches = _mismatches(pairs, tensors)
    if mismatches or len(tensors) != len(parameters):
        first = "; ".join(mismatches[:3]) or "all common ones fit"
        raise TaskError(
            WEIGHTS,
            f"{path} does not fit this model: {len(tensors)} tensors against {len(parameters)} parameters; "
            f"compared {how}, {len(mismatches)} differ: {first}. "
            "Name the model that the file was saved from.",
        )
    for theirs, _, parameter in pairs:
        parameter.initialize()
        parameter.set_data(mx.nd.array(tensors[theirs]))
    return how
