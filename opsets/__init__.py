"""Any ONNX model at an older opset: one step down at a time, nothing passed over in silence."""

from opsets.embedding import EmbeddedSteps, Normalisation, last_operator
from opsets.errors import AxesError, RetargetError
from opsets.facts.versions import ir_version
from opsets.files.storage import read_graph
from opsets.lowering import Retargeted
from opsets.retarget import HIGHEST_TARGET, LOWEST_TARGET, retarget, retarget_file
from opsets.retarget import retarget_with_report as retarget_with_report
from opsets.static_axes import StaticAxes

__all__ = [
    "HIGHEST_TARGET",
    "LOWEST_TARGET",
    "AxesError",
    "EmbeddedSteps",
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
