"""Exports large networks with fewer channels, by the real export script of their source.

Run by path in the source's own environment: ``python thin_worker.py request.json result.json``.
Request::

    {"task": "thin", "script": "/.../converters/timm/export.py", "layers": "thin_timm",
     "blocks": false, "divisor": 8, "exports": [{"task": "export", "model": "vgg11", ...}, ...]}

``exports`` are requests of that script. The networks are built by their own code, which is only
given shorter lengths: for every layer, or with ``blocks`` for every block of a RepVGG, which reads
its own lengths when it is fused. Result: for each model the
operators of the network as it is (built without weights) and of the thin one, in the order in
which they run, and what the script answered::

    {"models": {"vgg11": {"operators": [...], "thin_operators": [...], "answer": {...}}}}

An operator is its name and the height and width of what it makes, such as ``conv2d 224 224``:
shorter lengths must not change any.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from typing import Any, Callable, Dict, Tuple

import numpy as np

import protocol

Task = Callable[[Dict[str, Any]], Dict[str, Any]]


def read_script(script: str) -> Tuple[Dict[str, Any], Dict[str, Task]]:
    """The names in an export script, and the tasks that it would serve."""
    sys.path.insert(0, os.path.dirname(script))
    tasks: Dict[str, Task] = {}
    serve, protocol.main = protocol.main, tasks.update  # type: ignore[assignment]
    try:
        names = runpy.run_path(script, run_name="__main__")
    finally:
        protocol.main = serve
    return names, tasks


def sizes_of(inputs: str) -> Tuple[int, ...]:
    """Channels, height and width of the pictures in the file of a request's inputs."""
    with np.load(inputs, allow_pickle=False) as archive:
        sizes: Tuple[int, ...] = archive[archive.files[0]].shape[1:]
    return sizes


def thin(request: Dict[str, Any]) -> Dict[str, Any]:
    names, tasks = read_script(request["script"])
    layers = importlib.import_module(request["layers"])
    exports = {export["model"]: export for export in request["exports"]}
    sizes = {model: sizes_of(export["inputs"]) for model, export in exports.items()}
    operators = {model: layers.operators(names, model, sizes[model]) for model in exports}
    (layers.shorten_blocks if request["blocks"] else layers.shorten_layers)(request["divisor"])
    models = {}
    for model, export in exports.items():
        with layers.fresh_names():
            answer = tasks["export"](export)
        models[model] = {
            "operators": operators[model],
            "thin_operators": layers.operators(names, model, sizes[model]),
            "answer": answer,
        }
    return {"models": models}


if __name__ == "__main__":
    protocol.main({"thin": thin})
