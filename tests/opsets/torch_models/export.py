"""torch's side: classifiers exported by both of torch's exporters, run by path in an environment of its own.

The networks are the libraries' own classes with few channels and blocks, on the smallest pictures
that keep the structure of the graph. See ``converters/worker/protocol.py`` for how it is run.

Request::

    {"task": "export all", "exporters": {"swin": ["torchscript-17", ...], ...}, "seed": 0,
     "inputs": "/.../inputs", "output_folder": "/.../"}

``inputs`` is a folder with the data sets of each model, float32 (N, C, H, W), in ``<model>.npz``. The
script writes ``outputs/<model>.npz``, the logits of torch itself in eval mode, and
``<exporter>/<model>.onnx``, and answers with the reason why an exporter could not say a model, or ""::

    {"exports": {"torchscript-17/swin": "", ...}}
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from protocol import main
from pytorch_lively import enliven
from torchvision_operators import import_torchvision

torchvision = import_torchvision()  # before timm, which imports it as it is

import timm  # noqa: E402
from timm.layers import set_fused_attn  # noqa: E402
from torchvision import models as vision  # noqa: E402

CLASSES = 20


@dataclass(frozen=True)
class Classifier:
    """How a network is made, and the height and width of its pictures in pixels."""

    build: Callable[[], Any]
    side: int
    fused_attention: bool = False


def of_timm(name: str, **arguments: Any) -> Callable[[], Any]:
    """One of timm's networks, changed by ``arguments``."""
    return lambda: timm.create_model(name, num_classes=CLASSES, **arguments)


def of_class(build: Callable[..., Any], *arguments: Any, **named: Any) -> Callable[[], Any]:
    """A network of either library, made by its class or function with ``arguments``."""
    return lambda: build(*arguments, num_classes=CLASSES, **named)


def vision_transformer() -> Any:
    """Torchvision's vision transformer, whose attention is torch.nn.MultiheadAttention."""
    return vision.VisionTransformer(
        image_size=64,
        patch_size=16,
        num_layers=2,
        num_heads=4,
        hidden_dim=64,
        mlp_dim=128,
        num_classes=CLASSES,
    )


def mobilenet_v3() -> Any:
    """The first blocks of torchvision's small MobileNetV3, which are of all its kinds."""
    blocks, last = vision.mobilenetv3._mobilenet_v3_conf("mobilenet_v3_small", width_mult=0.5)
    return vision.MobileNetV3(blocks[:5], last, num_classes=CLASSES)


VIT = of_timm("vit_tiny_patch16_224", img_size=64, depth=2, embed_dim=64, num_heads=4)
SWIN = of_timm("swin_tiny_patch4_window7_224", img_size=112, embed_dim=32, depths=(2, 2), num_heads=(2, 4))

CLASSIFIERS = {
    "mobilenet_v3": Classifier(mobilenet_v3, 64),
    "shufflenet_v2": Classifier(of_class(vision.ShuffleNetV2, [2, 2, 2], [24, 48, 96, 192, 1024]), 64),
    "convnext": Classifier(of_timm("convnext_tiny", depths=(1, 1, 2, 1), dims=(24, 48, 96, 192)), 64),
    "vit_fused": Classifier(VIT, 64, fused_attention=True),
    "vit_multihead": Classifier(vision_transformer, 64),
    "swin": Classifier(SWIN, 112),
    "swin_fused": Classifier(SWIN, 112, fused_attention=True),
}


def by_tracing(network: Any, example: Any, path: Path, opset: int) -> None:
    """Export with TorchScript, its defaults and an open batch."""
    axes = {"input": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(
        network,
        (example,),
        path,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes=axes,
        opset_version=opset,
        dynamo=False,
    )


def by_capture(network: Any, example: Any, path: Path, opset: int) -> None:
    """Export with torch.export, its defaults and an open batch."""
    torch.onnx.export(
        network,
        (example,),
        path,
        input_names=["input"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        opset_version=opset,
        dynamo=True,
        external_data=False,
    )


EXPORTERS: dict[str, tuple[Callable[[Any, Any, Path, int], None], int]] = {
    "torchscript-17": (by_tracing, 17),
    "dynamo-18": (by_capture, 18),
}


def export(request: dict[str, Any]) -> dict[str, Any]:
    """Do the task ``export``."""
    warnings.simplefilter("ignore")
    folder = Path(request["output_folder"])
    for name in ("outputs", *EXPORTERS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    exports: dict[str, str] = {}
    for model, exporters in request["exporters"].items():
        with np.load(Path(request["inputs"]) / f"{model}.npz", allow_pickle=False) as stored:
            pictures = {name: torch.from_numpy(stored[name]) for name in stored.files}
        network = _lively(CLASSIFIERS[model], torch.cat(list(pictures.values())), request["seed"])
        np.savez(folder / "outputs" / f"{model}.npz", **_logits(network, pictures))
        example = next(iter(pictures.values()))[:1].repeat(2, 1, 1, 1)
        for exporter in exporters:
            path = folder / exporter / f"{model}.onnx"
            exports[f"{exporter}/{model}"] = _reason(exporter, network, example, path)
    return {"exports": exports}


def _lively(classifier: Classifier, pictures: Any, seed: int) -> Any:
    set_fused_attn(classifier.fused_attention, experimental=classifier.fused_attention)
    torch.manual_seed(seed)
    network = classifier.build().eval()
    enliven(network, pictures, seed)
    return network


def _logits(network: Any, pictures: dict[str, Any]) -> dict[str, Any]:
    """Torch's own logits, float32, computed in double precision: without rounding errors of their own."""
    exact = copy.deepcopy(network).double()
    with torch.inference_mode():
        return {name: exact(batch.double()).float().numpy() for name, batch in pictures.items()}


def _reason(exporter: str, network: Any, example: Any, path: Path) -> str:
    """Export, and say why it could not be done, or ""."""
    write, opset = EXPORTERS[exporter]
    try:
        write(network, example, path, opset)
    except Exception as error:  # noqa: BLE001 - whatever an exporter raises is its answer
        path.unlink(missing_ok=True)
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return ""


def catalogue(request: dict[str, Any]) -> dict[str, Any]:
    """Do the task ``catalogue``: every classifier with its family and the size of its pictures."""
    pictures = {
        "crop_mode": "squash",
        "interpolation": "bilinear",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "colour": "RGB",
    }
    sides = {name: classifier.side for name, classifier in CLASSIFIERS.items()}
    return {
        "models": {
            name: {
                "family": name,
                "preprocessing": {"input_size": [3, side, side], "resize": side, **pictures},
            }
            for name, side in sides.items()
        }
    }


if __name__ == "__main__":
    main({"catalogue": catalogue, "export all": export})
