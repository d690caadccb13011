"""The task ``latency`` of ``protocol.py``: a network in its framework takes turns with the runtimes."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Callable, Dict

import numpy as np

from protocol import Task

Load = Callable[[Dict[str, Any], Dict[str, Any]], Callable[[Any], Any]]
"""Makes what computes the logits of a float32 (N, C, H, W) array, for a request and its inputs."""


def latency_task(load: Load, version: str) -> Task:
    """The task for the network that ``load`` makes; ``version`` names the framework: ``torch 2.9``."""

    def latency(request: Dict[str, Any]) -> Dict[str, Any]:
        sys.path.append(request["modules"])
        turns = importlib.import_module("turns")
        turns.pin(request["processors"])
        with np.load(request["inputs"], allow_pickle=False) as archive:
            inputs = {name: archive[name] for name in archive.files}
        run = load(request, inputs)
        turns.forget_peak()  # weights that are made lively take more than a network that computes
        turns.take_turns(run, inputs, request)
        return {"version": version}

    return latency
