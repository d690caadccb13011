"""Declarations that let torchvision be imported where its compiled operators do not load.

Its wheels are linked against CUDA; beside a CPU build of torch they do not load, and the import
then stops at the operators that it wants to register. No classifier calls them.
"""

from __future__ import annotations

import sys
from typing import Any, List

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_libraries: List[Any] = []
"""A declaration lasts as long as its library object."""


def import_torchvision() -> Any:
    """The torchvision package, with the operators that its extension did not bring declared."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for module in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "DEF")
        for schema in SCHEMAS:
            library.define(schema)
        _libraries.append(library)
        import torchvision
    return torchvision
