"""A unit as the pipeline describes it, for tests of what is written beside a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from publishing.record import Description, PublishedFile


def description(**changes: Any) -> Description:
    """Return the description of a unit that passed, with ``changes``."""
    described = Description(
        name="timm/tf_efficientnet_lite0@9",
        source="timm",
        framework="PyTorch Image Models (timm)",
        family="efficientnet",
        model="tf_efficientnet_lite0",
        license="Apache-2.0",
        author="The TensorFlow authors",
        key="8511ce729a81ea20",
        provenance={
            "environment": "e9" * 32,
            "exporter": "torch.onnx.export",
            "form": "as the framework builds it",
            "framework": "PyTorch Image Models (timm)",
            "model": "tf_efficientnet_lite0",
            "native_opset": 12,
            "head": {"classes": 1000, "from": "the framework"},
            "arguments": {},
            "packages": {"typing-extensions": "4.16.0", "torch": "2.13.0+cpu", "timm": "1.0.31"},
            "parameters": 4652008,
            "python": "3.11.7",
            "weights": {
                "origin": "lite0.pth of the package weights==0.1.0",
                "sha256": "f2" * 32,
                "tensors": 296,
            },
        },
        preprocessing={"colour": "RGB", "input_size": [3, 224, 224], "mean": [0.5, 0.5, 0.5]},
        inputs=[
            {"name": "noise-1", "shape": [1, 3, 224, 224], "sha256": "11" * 32},
            {"name": "pictures-2", "shape": [2, 3, 224, 224], "sha256": "22" * 32},
        ],
        verdict={"status": "passed", "reason": "", "runtimes": {"openvino": {"outcome": "ran"}}},
        predictions=[],
        rewrites=["MaxPool 10 to 9: 5 nodes"],
        bounds=[],
        figures={"parameters": 4652008, "reported": []},
    )
    return replace(described, **changes)


def files() -> dict[str, PublishedFile]:
    """Return the files of the unit that are there when its provenance is written."""
    stem = "timm/efficientnet/model/tf_efficientnet_lite0-9"
    return {
        "onnx": PublishedFile(f"{stem}.onnx", 18_000_000, "aa" * 32),
        "tar.gz": PublishedFile(f"{stem}.tar.gz", 17_000_000, "bb" * 32),
        "cdx.json": PublishedFile(f"{stem}.cdx.json", 9_000, "cc" * 32),
    }
