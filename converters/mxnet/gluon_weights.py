"""Checkpoints of Gluon networks: the model store's, and files of either of Gluon's formats."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import requests
import safetensors
from mxnet.gluon.model_zoo import model_store
from mxnet.gluon.utils import check_sha1

import gluon_params
import safetensors_arrays
from checkpoints import largest_unpacked, matching, refuse_pointer, sha256_of
from protocol import WEIGHTS, TaskError

SILENCE = 30.0
"""Seconds without an answer after which a download has failed."""


def load_pretrained(network: Any, name: str) -> tuple[str, str]:
    """Load the model store's own weights; their address, and the sha256 of the file."""
    stem = f"{name}-{model_store.short_hash(name)}"
    repository = os.environ.get("MXNET_GLUON_REPO", model_store.apache_repo_url).rstrip("/") + "/"
    url = model_store._url_format.format(repo_url=repository, file_name=stem)
    cached = Path(mx.base.data_dir(), "models", f"{stem}.params")
    try:
        if not (cached.exists() and check_sha1(str(cached), model_store._model_sha1[name])):
            _fetch(url, cached, model_store._model_sha1[name])
    except (
        OSError,
        EOFError,
        LookupError,
        ValueError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise TaskError(
            WEIGHTS,
            f"the pretrained weights of {name} could not be had from {url}: {type(error).__name__}: {error}. "
            "Check that it can be reached, or name a weights file",
        ) from error
    load_file(network, str(cached))
    return url, sha256_of(str(cached))


def _fetch(url: str, cached: Path, sha1: str) -> None:
    """Fetch the archive ``url``, and put its member of the name of ``cached`` there if it has this ``sha1``.

    Gluon's own way tries five times, waits for ever each time, and unpacks whatever the server sent.
    """
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        packed, unpacked = Path(folder, "packed"), Path(folder, "unpacked")
        with requests.get(url, stream=True, timeout=SILENCE) as answer, packed.open("wb") as output:
            answer.raise_for_status()
            for block in answer.iter_content(1 << 20):
                output.write(block)
        with zipfile.ZipFile(packed) as archive, unpacked.open("wb") as output:
            member = archive.getinfo(cached.name)
            if member.file_size > largest_unpacked(str(packed)):
                raise ValueError(
                    f"the archive would unpack to {member.file_size} bytes, which is more than weights "
                    "compress to: it was made to fill the disk"
                )
            with archive.open(member) as stream:
                shutil.copyfileobj(stream, output)
        if not check_sha1(str(unpacked), sha1):
            raise ValueError(f"what it holds does not have the sha1 {sha1}")
        unpacked.replace(cached)


def read_file(path: str) -> dict[str, Any]:
    """The tensors of a ``.params`` or ``.safetensors`` file by name, in the file's order, of its types.

    Raises TaskError where the file is damaged, or holds anything but arrays of numbers.
    """
    refuse_pointer(path)
    if not path.endswith(".safetensors"):
        tensors = gluon_params.read(path)
        return {name[4:] if name.startswith(("arg:", "aux:")) else name: tensors[name] for name in tensors}
    try:
        return safetensors_arrays.read(path)
    except (OSError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise TaskError(
            WEIGHTS, f"cannot read {path}: {error}; it may be truncated or not a weights file: fetch it again"
        ) from error


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
    # This takes twice the memory of each tensor, and asynchronously: not while there are those of the file.
    network.initialize(mx.init.Zero())
    mx.nd.waitall()
    tensors = _renamed(read_file(path), network, parameters)
    matched, how = matching(
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        {name: tuple(parameter.shape) for name, parameter in parameters.items()},
    )
    for name, parameter in parameters.items():
        parameter.data()[:] = tensors.pop(matched[name]).astype(np.float32, copy=False)
    return how
