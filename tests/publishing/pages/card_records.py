"""Records as ``run`` writes them, for the tests of cards and snippets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.accuracy import Accuracy, Share
from publishing.record import KINDS, PublishedFile, Record

PREPROCESSING = {
    "input_size": [3, 224, 224],
    "resize": 256,
    "crop_mode": "center",
    "interpolation": "bilinear",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "colour": "RGB",
}
FUSED = "re-parameterised: 22 blocks fused; the reference is the form for training, with 9108968 parameters"

GATE: dict[str, Any] = {
    "passed": True, "reason": "", "pictures": 100, "agreement": 0.985, "cosine": 0.99712,
    "top1": None, "reference_top1": None,
}  # fmt: skip
REDUCTION: dict[str, Any] = {
    "form": "int8",
    "calibration pictures": 1000,
    "gate pictures": 100,
    "chosen": {
        "form": "int8", "calibration": "percentile", "weights": "uint8",
        "batch normalisation": "folded", "kept in float32": ["a", "b"], "gate": GATE,
    },
    "tries": [{}, {}, {}],
    "processor": "A processor",
    "saturates": False,
    "runtimes": {
        "onnxruntime": {"outcome": "ran", "version": "1.32", **GATE, "top1": 0.71, "reference_top1": 0.72},
        "openvino": {"outcome": "unsupported", "version": "", **GATE, "agreement": None, "cosine": None},
    },
}  # fmt: skip


def comparison(relative_error: float | None = 3e-6, **changes: Any) -> dict[str, Any]:
    """One runtime's figures on one data set."""
    return {
        "passed": True,
        "reason": "",
        "absolute_error": 4e-8,
        "relative_error": relative_error,
        "cosine": 0.9999999,
        "psnr": 128.6,
        "top1": 1.0,
        "top5": 1.0,
    } | changes


def figure(right: int, of: int, name: str = "val", tied: int = 0) -> dict[str, Any]:
    """A measured accuracy, on pictures that are the same where the name is."""
    counted = Accuracy(Share(right, of), Share(of, of), 0, tied)
    data_set = {"name": name, "pictures": of, "sha256": name.encode().hex().ljust(64, "0")}
    return {"data_set": data_set, "runtime": "onnxruntime", "version": "1", **counted.to_dict()}


def runtime(version: str = "1.31.1", **changes: Any) -> dict[str, Any]:
    """What one runtime did with a file."""
    comparisons = {name: comparison() for name in ("noise-1", "noise-3", "pictures-1", "pictures-3")}
    return {
        "outcome": "ran",
        "reason": "",
        "version": version,
        "independent": True,
        "judge": True,
        "comparisons": comparisons,
    } | changes


def record(
    name: str = "timm/repvgg_a0@12",
    *,
    family: str = "repvgg",
    preprocessing: Mapping[str, Any] = PREPROCESSING,
    classes: int = 1000,
    origin: str = "random weights, seed 0",
    runtimes: Mapping[str, Any] | None = None,
    reported: Sequence[Mapping[str, Any]] = (),
    **changes: Any,
) -> Record:
    """Return the record of a unit named ``name``; ``changes`` replace whole fields."""
    source, _, rest = name.partition("/")
    model, _, version = rest.partition("@")
    opset, size = int(version.partition("-")[0]), list(preprocessing["input_size"])
    old = {"onnxruntime": runtime(outcome="unsupported", reason="Gemm 6", comparisons={})}
    ran = {"onnxruntime": runtime()} if opset >= 7 else old
    values: dict[str, Any] = {
        "name": name,
        "source": source,
        "framework": "PyTorch Image Models (timm)",
        "family": family,
        "model": model,
        "license": "Apache-2.0",
        "author": "",
        "key": "5a" * 32,
        "reduction": REDUCTION if "int8" in version else {},
        "provenance": {
            "framework": "PyTorch Image Models (timm)",
            "model": model,
            "exporter": "torch.onnx.export",
            "native_opset": 12,
            "head": {"classes": 1000, "from": "the framework"},
            "arguments": {},
            "parameters": 8309384,
            "form": FUSED,
            "weights": {"origin": origin, "sha256": None, "tensors": 46},
            "python": "3.11.7",
            "packages": {"torch": "2.13.0+cpu", "timm": "1.0.31"},
            "environment": "f6" * 32,
        },
        "preprocessing": preprocessing,
        "inputs": [
            {"name": f"{kind}-{batch}", "shape": [batch, *size], "sha256": "ca" * 32}
            for kind in ("noise", "pictures")
            for batch in (1, 3)
        ],
        "verdict": {
            "status": "passed",
            "reason": "",
            "dissent": "",
            "tolerance": {"relative": 0.0001, "top1": True, "top5": True},
            "runtimes": runtimes or ran | {"openvino": runtime("2026.4.1")},
        },
        "predictions": [
            {"picture": picture, "thumbnail": f"pictures/{picture}-09bb7324d554.jpg", "source": []}
            for picture in ("chelsea.png", "coffee.png", "rocket.jpg")
        ],
        "rewrites": ["Nodes folded: 3 nodes"],
        "bounds": [],
        "figures": {
            "parameters": 8309384,
            "multiply_adds": {
                "convolutions": 1360171008,
                "fully_connected": 1280000,
                "matrix_products": 0,
                "total": 1361451008,
            },
            "reported": list(reported),
            "unknown": None,
        },
        "opset": opset,
        "onnx_version": {3: "1.1", 6: "1.1.2", 7: "1.2", 9: "1.4.1", 12: "1.7"}.get(opset, "1.6"),
        "ir_version": 3 if opset < 9 else 4,
        "io_ports": {
            "inputs": [{"name": "input", "shape": ["batch", *size], "type": "tensor(float)"}],
            "outputs": [{"name": "logits", "shape": ["batch", classes], "type": "tensor(float)"}],
        },
        "files": {
            kind: PublishedFile(f"{source}/{family}/model/{model}-{version}.{kind}", 33352860, "42" * 32)
            for kind in KINDS
        },
    }
    return Record(**values | changes)
