"""The task ``sizes`` of ``protocol.py``: many models in one process, none of them given weights."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, List, Optional

from protocol import Task


def sizes_task(bytes_of: Callable[[Dict[str, Any]], int]) -> Task:
    """The task that asks ``bytes_of`` for each model: the bytes of the tensors that its file will hold.

    Its argument has the ``model`` and the ``options`` that it is built with. A model that cannot be built is
    answered with None: it fails when it is exported, with its reason.
    """

    def sizes(request: Dict[str, Any]) -> Dict[str, Any]:
        sizes_in_order: List[Optional[int]] = []
        for asked in request["models"]:
            try:
                sizes_in_order.append(int(bytes_of(asked)))
            except Exception as error:  # noqa: BLE001 - whatever a framework raises costs this model only
                print(f"left out: {asked['model']}: {type(error).__name__}: {error}", file=sys.stderr)
                sizes_in_order.append(None)
        return {"bytes": sizes_in_order}

    return sizes
