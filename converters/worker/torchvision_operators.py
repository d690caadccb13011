"""Imports torchvision where its compiled operators do not load, and packages without torch's compiler.

Torchvision's wheels are linked against CUDA; beside a CPU build of torch they do not load, and the import
then stops at the operators that it wants to register. No classifier calls them. One of them asks the
compiler a question when it is called, and imports it for that; timm keeps it from one of its methods. It
takes longer to import than torch itself, and nothing is compiled here.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from typing import Any, Iterator, List, Optional

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

COMPILER = "torch._dynamo.utils"
"""The module of torch's compiler that ``torchvision.ops.roi_align`` imports."""

_libraries: List[Any] = []
"""A declaration lasts as long as its library object."""


def import_torchvision() -> Any:
    """The torchvision package, with the operators that its extension did not bring declared."""
    with compiler_on_demand():
        return _import_torchvision()


@contextlib.contextmanager
def compiler_on_demand() -> Iterator[None]:
    """Let what is imported have the compiler's answer, and import the compiler when it is asked for it.

    What is kept from the compiler meanwhile stays as it is, and could be compiled later.
    """
    if COMPILER in sys.modules:
        yield
        return
    stand_in: Any = types.ModuleType(COMPILER)
    stand_in.is_compile_supported = _is_compile_supported
    sys.modules[COMPILER] = stand_in
    disable, torch.compiler.disable = torch.compiler.disable, _as_it_is
    try:
        yield
    finally:
        torch.compiler.disable = disable
        del sys.modules[COMPILER]


def _as_it_is(function: Any = None, recursive: bool = True, *, reason: Optional[str] = None) -> Any:
    """``function``, or what gives back a function: in place of ``torch.compiler.disable``."""
    return function if function is not None else lambda decorated: decorated


def _is_compile_supported(device_type: str) -> Any:
    return importlib.import_module(COMPILER).is_compile_supported(device_type)


def _import_torchvision() -> Any:
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
