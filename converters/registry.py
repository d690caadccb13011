"""Every source there is. A new one is a folder beside this file and a line in this dict."""

from __future__ import annotations

from converters.caffe2 import SOURCE as CAFFE2
from converters.interface import Source
from converters.mmcls import SOURCE as MMCLS
from converters.mxnet import SOURCE as MXNET
from converters.onnx import SOURCE as ONNX
from converters.paddle import SOURCE as PADDLE
from converters.pytorch import SOURCE as PYTORCH
from converters.timm import SOURCE as TIMM
from converters.torchvision import SOURCE as TORCHVISION

SOURCES: dict[str, Source] = {
    "timm": TIMM,
    "torchvision": TORCHVISION,
    "mmcls": MMCLS,
    "pytorch": PYTORCH,
    "paddle": PADDLE,
    "mxnet": MXNET,
    "caffe2": CAFFE2,
    "onnx": ONNX,
}


def frameworks() -> dict[str, Source]:
    """The sources with an environment and a list of models of their own."""
    return {name: source for name, source in SOURCES.items() if source.is_framework}
