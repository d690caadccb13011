"""The task ``details`` of ``protocol.py``: many models in one process, none of them given weights."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict

from protocol import Task


def details(parameters: int, tensor_bytes: int, pretrained: bool) -> Dict[str, Any]:
    """What the task answers of one model."""
    return {"parameters": int(parameters), "bytes": int(tensor_bytes), "pretrained": pretrained}


def details_task(details_of: Callable[[str], Dict[str, Any]]) -> Task:
    """The task that asks ``details_of``, which builds a network, for the :func:`details` of each model.

    A model that cannot be built is left out of the answer: it fails when it is exported, with its reason.
    """

    def answer(request: Dict[str, Any]) -> Dict[str, Any]:
        models = {}
        for model in request["models"]:
            try:
                models[model] = details_of(model)
            except Exception as error:  # noqa: BLE001 - whatever a framework raises costs this model only
                print(f"left out: {model}: {type(error).__name__}: {error}", file=sys.stderr)
        return {"models": models}

    return answer
