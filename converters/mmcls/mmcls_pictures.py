"""How the classifiers of MMClassification want their pictures, read from a config's test pipeline.

The steps are those of ``mmcls.datasets.pipelines`` 0.x. What has no words in ``protocol.py`` is refused:
a picture that is prepared otherwise than the framework does it would be a wrong answer that nobody sees.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from protocol import MODEL, TaskError

EFFICIENTNET_PADDING = 32
"""Pixels around mmcls's EfficientNet crop, unless a config says otherwise."""
CIFAR_SIZE = 32
"""Height and width of the pictures of CIFAR, whose pipelines resize nothing."""
CHANNELS = 3
"""Of pictures that are resized and normalised in mmcls's own way; it has hardly any others."""
STORED_AS_RGB = ("CIFAR10", "CIFAR100")
"""Data sets whose pictures are RGB from the beginning; files are read as BGR."""
ORDER = ("LoadImageFromFile", "Resize", "CenterCrop", "Normalize", "ImageToTensor", "Collect")
"""The steps that can be said, each at most once and in this order."""


def preprocessing(model: str, configuration: Any) -> Dict[str, Any]:
    """As the config of ``model`` says it; TaskError where that cannot be said."""
    try:
        listed = list(configuration.data.test.pipeline)
    except (AttributeError, TypeError) as error:
        raise _refused(model, "it has no data.test.pipeline") from error
    try:
        return _said(model, getattr(configuration.data.test, "type", None), listed)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _refused(model, f"{type(error).__name__}: {error}") from error


def _said(model: str, dataset: Any, listed: List[Any]) -> Dict[str, Any]:
    """What the steps ``listed`` of the test pipeline say, for pictures of a kind of data set."""
    _require_sayable(model, listed)
    steps = {step["type"]: step for step in listed}
    normalise = steps["Normalize"]
    height, width = _size(steps)
    rgb = normalise.get("to_rgb", True) or dataset in STORED_AS_RGB
    wanted = {
        "input_size": [len(normalise["mean"]), height, width],
        **_fitting(model, steps, height, width),
        "mean": [round(value / 255, 10) for value in normalise["mean"]],
        "std": [round(value / 255, 10) for value in normalise["std"]],
        "colour": "RGB" if rgb else "BGR",
    }
    if len(normalise["mean"]) == CHANNELS:
        wanted["convention"] = "mmcls"
        if _resizing(steps).get("backend", "cv2") == "cv2":
            wanted["library"] = "opencv"
    return wanted


def _require_sayable(model: str, steps: List[Any]) -> None:
    types = [step["type"] for step in steps]
    unknown = [name for name in types if name not in ORDER]
    if unknown:
        raise _refused(model, f"its step {unknown[0]} is not known here")
    if types != [name for name in ORDER if name in types]:
        raise _refused(model, f"its steps are in another order than can be said: {', '.join(types)}")
    if "Normalize" not in types:
        raise _refused(model, "it does not normalise")


def _resizing(steps: Dict[str, Any]) -> Dict[str, Any]:
    """The step that resizes; an empty one where there is none."""
    crop: Dict[str, Any] = steps.get("CenterCrop", {})
    return crop if crop.get("efficientnet_style") else steps.get("Resize", {})


def _fitting(model: str, steps: Dict[str, Any], height: int, width: int) -> Dict[str, Any]:
    """The length to resize to, the crop mode and the interpolation."""
    crop, resize = steps.get("CenterCrop", {}), steps.get("Resize")
    interpolation = _resizing(steps).get("interpolation", "bilinear")
    if crop.get("efficientnet_style"):
        if resize:
            raise _refused(model, "it resizes before a crop of EfficientNet's style, which resizes too")
        padding = crop.get("crop_padding", EFFICIENTNET_PADDING)
        return _fit(crop["crop_size"] + padding, "center_first", interpolation)
    if resize is None:
        if crop:
            raise _refused(model, "it crops pictures that nothing has resized")
        return _fit(height, "center", interpolation)
    size = resize["size"]
    first, second = (size, size) if isinstance(size, int) else size
    if second != -1:
        if first * width != second * height:
            raise _refused(model, "it crops to other proportions than it resizes to")
        return _fit(min(first, second), "squash", interpolation)
    if resize.get("adaptive_side", "short") != "short":
        raise _refused(model, f"it resizes by {resize['adaptive_side']!r}, and not by the shorter side")
    return _fit(first, "center", interpolation)


def _fit(resize: int, crop_mode: str, interpolation: str) -> Dict[str, Any]:
    return {"resize": resize, "crop_mode": crop_mode, "interpolation": interpolation}


def _size(steps: Dict[str, Any]) -> Tuple[int, int]:
    """Height and width of the pictures that a test pipeline makes."""
    if "CenterCrop" in steps:
        size = steps["CenterCrop"]["crop_size"]
    elif "Resize" in steps:
        size = steps["Resize"]["size"]
    else:
        size = CIFAR_SIZE
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _refused(model: str, reason: str) -> TaskError:
    return TaskError(MODEL, f"the pictures of {model} cannot be prepared as its config says: {reason}")
