"""The task ``outputs`` of ``protocol.py``: the framework's answers to pictures, without an ONNX file."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Optional, Sequence

import numpy as np

from protocol import Task

Arrays = Dict[str, Any]
Answering = Callable[[Any], Any]
"""What a network answers to pictures: logits (N, classes) to (N, C, H, W), float32 both."""


def read_arrays(path: str) -> Arrays:
    """The arrays of an .npz file by their names."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def write_outputs(folder: str, answering: Answering, pictures: Arrays) -> Arrays:
    """Answer to each data set, write ``outputs.npz`` into ``folder``, and return what is in it."""
    outputs: Arrays = {name: answering(array) for name, array in pictures.items()}
    np.savez(os.path.join(folder, "outputs.npz"), **outputs)
    return outputs


def labels_said(names: Optional[Sequence[str]], origin: str) -> Dict[str, Any]:
    """What the answer to ``export`` says of the names of the classes; nothing where there are none."""
    return {} if names is None else {"labels": {"names": list(names), "origin": origin}}


def outputs_task(load: Callable[[Dict[str, Any], Arrays], Answering]) -> Task:
    """The task for a framework whose network ``load`` makes of a request and the fixed inputs."""

    def outputs(request: Dict[str, Any]) -> Dict[str, Any]:
        answering = load(request, read_arrays(request["inputs"]))
        write_outputs(request["output_folder"], answering, read_arrays(request["pictures"]))
        return {}

    return outputs
