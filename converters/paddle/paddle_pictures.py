"""How the classifiers of paddle.vision and of PaddleClas want their pictures."""

from __future__ import annotations

import fnmatch
from typing import Any, Dict, Iterable, TypeVar

Value = TypeVar("Value")

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]

SIZES = {
    "CLIP_vit_large_patch14_336": (336, 336),
    "CSPDarkNet53": (288, 256),
    "CSWinTransformer_*_224": (248, 224),
    "DSNet_*": (248, 224),
    "DarkNet53": (292, 256),
    "DeiT_*_384": (438, 384),
    "EfficientNetB1": (272, 240),
    "EfficientNetB2": (292, 260),
    "EfficientNetB3*": (332, 300),
    "EfficientNetB4": (412, 380),
    "EfficientNetB5": (488, 456),
    "EfficientNetB6": (560, 528),
    "EfficientNetB7": (632, 600),
    "EfficientNetV2_S": (416, 384),
    "FasterNet_*": (248, 224),
    "InceptionV[34]": (320, 299),
    "LeViT_*": (256, 224),
    "MobileNetV4_*_large": (448, 448),
    "MobileNetV4_conv_medium": (320, 320),
    "MobileNetV4_*": (256, 256),
    "MobileViT_*": (292, 256),
    "MobileViTV[23]_*": (288, 256),
    "PPHGNetV2_*": (232, 224),
    "PPHGNet_tiny": (232, 224),
    "PPHGNet_*": (236, 224),
    "RegNetX_*": (256, 256),
    "RepVGG_D2se": (320, 320),
    "ResNeSt101": (288, 256),
    "ResNeSt200": (320, 320),
    "ResNeSt269": (416, 416),
    "SwinTransformerV2_*_256": (292, 256),
    "SwinTransformer_*_384": (438, 384),
    "TNT_*": (248, 224),
    "TinyNet_A": (219, 192),
    "TinyNet_B": (214, 188),
    "TinyNet_C": (210, 184),
    "TinyNet_D": (173, 152),
    "TinyNet_E": (121, 106),
    "UniFormer_*": (248, 224),
    "VAN_*": (248, 224),
    "Xception*": (320, 299),
    "inception_v3": (320, 299),
    "*_384": (384, 384),
}
"""The length to resize the shorter side to and the crop, of the first pattern that fits a name; of all
others 256 and 224.

The wheel leaves PaddleClas's configurations out. This table and those below repeat the evaluation
transforms (``DataLoader.Eval``, not ``Infer``, which is often left at 224) of the configurations in its
repository, ``ppcls/configs``. One or more was read of each pattern here and of each family of networks,
but EfficientNetB2 and B6, which follow their sisters' crop + 32. The foundation models (but BEiTv2), the
networks of paddle.vision, ``ResNet50_vc`` and ``RegNetX_4GF`` have none: they are taken for their
families', or for what most have."""

BICUBIC = (
    "BEiTv2_*",
    "CSWinTransformer_*",
    "ConvNeXt_*",
    "CvT_*",
    "DSNet_*",
    "DeiT_*",
    "FasterNet_*",
    "MobileNeXt_*",
    "MobileNetV4_*",
    "MobileViTV2_*",
    "MobileViTV3_x*",
    "NextViT_*",
    "PPHGNet*",
    "PVT_V2_*",
    "RepVGG_D2se",
    "StarNet_*",
    "SwinTransformer*",
    "TNT_*",
    "TinyNet_*",
    "UniFormer_*",
    "VAN_*",
    "alt_gvt_*",
    "pcpvt_*",
)
"""The names whose configurations ask for bicubic, by Pillow; without a word on it PaddleClas resizes
bilinearly, by OpenCV."""

BILINEAR_BY_PILLOW = ("MicroNet_*", "MobileViT_*", "PeleeNet")

NORMALISATIONS = {
    "CAE_*": ([0.5] * 3, [0.5] * 3),
    "CLIP_*": ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    "EfficientNetV2_S": ([128 / 255] * 3, [128 / 255] * 3),
    "MobileViT*": ([0.0] * 3, [1.0] * 3),
    "TNT_*": ([0.5] * 3, [0.5] * 3),
    "VAN_*": ([0.5] * 3, [0.5] * 3),
    "ViT_*": ([0.5] * 3, [0.5] * 3),
}
"""The names whose configurations normalise otherwise than with ImageNet's mean and deviation."""

NORMALISED_IN_LEVELS = ("EfficientNetV2_S", "RedNet*")
"""The names whose configurations take mean and deviation of 0 to 255."""

BLUE_FIRST = ("MobileViT_*",)
CROP_MODES = {"CvT_*_384": "squash", "EfficientNetV2_S": "center_first"}
"""Otherwise than the middle of what was resized."""


def preprocessing(name: str) -> Dict[str, Any]:
    """How the network ``name`` wants its pictures, as ``protocol.py`` describes it."""
    resize, size = _first(SIZES, name, (256, 224))
    mean, std = _first(NORMALISATIONS, name, (MEAN, STD))
    bicubic = _fits(BICUBIC, name)
    pillow = bicubic or _fits(BILINEAR_BY_PILLOW, name)
    wanted = {
        "input_size": [3, size, size],
        "resize": resize,
        "crop_mode": _first(CROP_MODES, name, "center"),
        "interpolation": "bicubic" if bicubic else "bilinear",
        "mean": mean,
        "std": std,
        "colour": "BGR" if _fits(BLUE_FIRST, name) else "RGB",
        "convention": "paddleclas_levels" if _fits(NORMALISED_IN_LEVELS, name) else "paddleclas",
    }
    return wanted if pillow else {**wanted, "library": "opencv"}


def _fits(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _first(table: Dict[str, Value], name: str, otherwise: Value) -> Value:
    """The value of the first pattern that ``name`` fits."""
    return next((value for pattern, value in table.items() if _fits((pattern,), name)), otherwise)
