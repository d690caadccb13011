"""The task ``sizes`` of ``protocol.py``: many models in one process, none of them given weights."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict

from protocol import Task


def sizes_task(bytes_of: Callable[[str], int]) -> Task:
    """The task that asks ``bytes_of`` for each model: the bytes of the tensors that its file will hold.

    A model that cannot be built is left out of the answer: it fails when it is exported, with its reason.
    """

    def sizes(request: Dict[str, Any]) -> Dict[str, Any]:
        bytes_by_model = {}
        for model in request["models"]:
            try:
                bytes_by_model[model] = int(bytes_of(model))
            except Exception as error:  # noqa: BLE001 - whatever a framework raises costs this model only
                print(f"left out: {model}: {type(error).__name__}: {error}", file=sys.stderr)
        return {"bytes": bytes_by_model}

    return sizes
