"""Any ONNX model at another opset: one step down or up at a time, nothing passed over in silence.

Each name is imported when it is first asked for: what rewrites graphs takes longer to import than most
commands, and workers, that need an error or a version alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsets.conversion import Retargeted
    from opsets.embedding import EmbeddedSteps, Normalisation, last_operator
    from opsets.errors import AxesError, RetargetError
    from opsets.facts.versions import ir_version
    from opsets.files.storage import read_graph
    from opsets.retargeting import HIGHEST_TARGET, LOWEST_TARGET, FileRetargeting, retarget, retarget_file
    from opsets.retargeting import retarget_with_report as retarget_with_report
    from opsets.static_axes import StaticAxes

__all__ = [
    "HIGHEST_TARGET",
    "LOWEST_TARGET",
    "AxesError",
    "EmbeddedSteps",
    "FileRetargeting",
    "Normalisation",
    "RetargetError",
    "Retargeted",
    "StaticAxes",
    "ir_version",
    "last_operator",
    "read_graph",
    "retarget",
    "retarget_file",
    "retarget_with_report",
]

_MODULES = {
    "embedding": ("EmbeddedSteps", "Normalisation", "last_operator"),
    "errors": ("AxesError", "RetargetError"),
    "facts.versions": ("ir_version",),
    "files.storage": ("read_graph",),
    "conversion": ("Retargeted",),
    "retargeting": (
        *("HIGHEST_TARGET", "LOWEST_TARGET", "FileRetargeting"),
        *("retarget", "retarget_file", "retarget_with_report"),
    ),
    "static_axes": ("StaticAxes",),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # else a misspelt name would be of any type

    def __getattr__(name: str) -> object:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
        return value
