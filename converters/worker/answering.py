"""The task ``outputs`` of ``protocol.py``: the framework's answers to pictures, without an ONNX file."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Optional, Sequence

import numpy as np

from protocol import MODEL, Task, TaskError

LARGEST_DIFFERENCE = 1e-4
"""By how much of the largest logit two answers to the same pictures may differ: sums in another order do."""

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


def require_settled(answering: Answering, pictures: Arrays, outputs: Arrays, model: str) -> None:
    """Raise TaskError where a network answers otherwise to pictures that it has answered to.

    ``outputs`` are its answers to ``pictures``, and the first of these are asked about once more.
    """
    name = next(iter(outputs))
    before, again = outputs[name], answering(pictures[name])
    largest = float(np.abs(before).max())
    if not np.allclose(again, before, rtol=0, atol=LARGEST_DIFFERENCE * largest, equal_nan=True):
        raise TaskError(
            MODEL,
            f"{model} gives the same pictures other logits when it is asked again: it draws random numbers, "
            "or remembers what it was asked, although it is in its mode for inference. No ONNX file computes "
            "what it does: publish a network whose answer depends on its pictures alone",
        )


def in_batches_of(answering: Answering, pictures: int) -> Answering:
    """``answering`` of a network that takes so many ``pictures`` at a time, for any number of them.

    The last batch is filled up from the front, and what is answered to that is left out.
    """

    def answer(array: Any) -> Any:
        batches = [
            np.take(array, range(start, start + pictures), axis=0, mode="wrap")
            for start in range(0, len(array), pictures)
        ]
        return np.concatenate([answering(batch) for batch in batches])[: len(array)]

    return answer


def require_batch(fixed: int, asked: Optional[int], model: str) -> None:
    """Raise TaskError unless files are asked for that take ``fixed`` pictures at a time, as the network does.

    ``asked`` is what a request says of the batch, ``model`` what messages call the network.
    """
    if fixed != asked:
        raise TaskError(
            MODEL,
            f"{model} takes batches of {fixed} alone: give `batches: {fixed}` in its entry, for files that "
            "do so too, or save it with an open batch axis",
        )


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
