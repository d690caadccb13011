"""The task ``trace`` of ``protocol.py``: what each layer of a network answers on the way to its output."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Callable, Dict, List, Set

import numpy as np

from answering import Answering, Arrays, read_arrays
from protocol import Task

OUTPUT = "the output"
"""How the network's own answer is called among the layers."""


class Recorder:
    """Writes what layers answer with, in the order in which they do, each array to a file of its own.

    One is written at once: a layer behind may work in place, and all together may not fit into memory.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._seen: Set[bytes] = set()
        self.layers: List[Dict[str, Any]] = []

    def note(self, name: str, kind: str, answer: Any) -> None:
        """Note what the layer ``name`` has answered: an array, or arrays in lists and tuples.

        Left out are arrays that are not of floats, and those that another layer has answered with before:
        containers answer with what their last layer does. None is no array.
        """
        if isinstance(answer, (list, tuple)):
            for place, each in enumerate(answer):
                self.note(f"{name}[{place}]", kind, each)
        elif isinstance(answer, np.ndarray) and answer.dtype.kind == "f" and answer.ndim:
            self._write(name, kind, np.ascontiguousarray(answer))

    def end(self, answer: Any) -> None:
        """Note the answer of the network itself, whatever has answered with it before."""
        self._seen.clear()
        self.note(OUTPUT, "network", np.asarray(answer))

    def _write(self, name: str, kind: str, array: Any) -> None:
        digest = hashlib.sha256(array.tobytes() + repr(array.shape).encode()).digest()
        if digest in self._seen:
            return
        self._seen.add(digest)
        file = f"{len(self.layers)}.npy"
        np.save(os.path.join(self._folder, file), array, allow_pickle=False)
        self.layers.append({"name": name, "kind": kind, "file": file})


def trace_task(load: Callable[[Dict[str, Any], Arrays, Recorder], Answering]) -> Task:
    """The task for a framework whose network ``load`` makes of a request and the fixed inputs.

    While the network that it returns answers, its layers tell the recorder.
    """

    def trace(request: Dict[str, Any]) -> Dict[str, Any]:
        recorder = Recorder(request["output_folder"])
        answering = load(request, read_arrays(request["inputs"]), recorder)
        [pictures] = read_arrays(request["pictures"]).values()
        recorder.end(answering(pictures))
        return {"layers": recorder.layers}

    return trace
