"""The default job as its tests know it: its models, how it is run, and where what it publishes lies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
MODELS = {
    "timm/tf_efficientnet_lite0": 4_652_008,
    "timm/tf_efficientnet_lite1": 5_416_680,
    "torchvision/squeezenet1_1": 1_235_496,
    "mmcls/mobilenet-v2_8xb32_in1k": 3_504_872,
    "paddle/SqueezeNet1_1": 1_235_496,
    "mxnet/squeezenet1.1": 1_235_496,
    "caffe2/squeezenet": 1_235_496,
    "paddle/ch_ppocr_mobile_v2_cls_infer": 129_356,
}
"""Every model of the job, and the learned values of its network as its framework's users know them."""
FAMILIES = {
    "timm/tf_efficientnet_lite0": "efficientnet",
    "timm/tf_efficientnet_lite1": "efficientnet",
    "torchvision/squeezenet1_1": "squeezenet",
    "mmcls/mobilenet-v2_8xb32_in1k": "mobilenet_v2",
    "paddle/SqueezeNet1_1": "squeezenet",
    "mxnet/squeezenet1.1": "squeezenet",
    "caffe2/squeezenet": "squeezenet",
    "paddle/ch_ppocr_mobile_v2_cls_infer": "ch_ppocr_mobile_v2_cls_infer",
}
IR_VERSIONS = {3: 3, 4: 3, 5: 3, 6: 3, 7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7}
"""Of the first ONNX release with each opset."""
UNITS = [(model, opset) for model in MODELS for opset in IR_VERSIONS]
each_unit = pytest.mark.parametrize(("model", "opset"), UNITS, ids=str)


def run(
    folder: Path, *options: str, before: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "pipeline.yaml", folder)
    command = [*before, sys.executable, "-m", "pipeline", "run", "pipeline.yaml", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", check=False, env=environment
    )


def stem_of(model: str, opset: int) -> str:
    source, name = model.split("/")
    return f"{source}/{FAMILIES[model]}/model/{name}-{opset}"


def record_of(job: Path, model: str, opset: int) -> Any:
    return json.loads((job / "dist" / f"{stem_of(model, opset)}.record.json").read_text())
