"""The classifiers of paddle.vision and of PaddleClas: their names, how to build them, their pictures."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import inspect
import sys
from typing import Any, Callable, Dict, List, Tuple

import paddle
import paddle.vision.models as vision

from protocol import MODEL, WEIGHTS, TaskError

# The wheel keeps its package `ppcls` inside of `paddleclas`, whose own import asks for a whole
# command line program; its architectures need nothing of that.
_wheel = importlib.util.find_spec("paddleclas")
if _wheel is None or not _wheel.submodule_search_locations:
    raise ImportError("the package paddleclas is not installed in this environment")
sys.path.append(_wheel.submodule_search_locations[0])

from ppcls.arch import backbone  # noqa: E402
from ppcls.utils import logger  # noqa: E402

logger.init_logger()  # some architectures warn, and the logger raises before this

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]

NO_CLASSIFIERS = (
    "AdaFace_",  # faces to features
    "CLIP_large_patch14_224_aesthetic",  # one score
    "MobileFaceNet",  # faces to features
    "PPLCNetBaseNet",  # has no configuration of its own
    "PPLCNetV2_base_ShiTu",  # pictures to features
    "SVTR_",  # lines of text to sequences
    "WideResNet",  # has no configuration of its own
    "cae_",  # fine-tuning code around the CAE_ networks
)
"""The beginnings of PaddleClas's names that are no classifiers of pictures."""

SIZES = {
    "inception_v3": 299,
    "BEiTv2_vit_": 224,
    "CLIP_vit_large_patch14_336": 336,
    "DarkNet53": 256,
    "CSPDarkNet53": 256,
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2_S": 384,
    "Fix_ResNeXt101_32x48d_wsl": 320,
    "InceptionV3": 299,
    "InceptionV4": 299,
    "MobileViTV2_": 256,
    "MobileViTV3_": 256,
    "MobileViT_": 256,
    "ResNeSt101": 256,
    "ResNeSt200": 320,
    "ResNeSt269": 416,
    "TinyNet_A": 192,
    "TinyNet_B": 188,
    "TinyNet_C": 184,
    "TinyNet_D": 152,
    "TinyNet_E": 106,
    "Xception": 299,
}
"""Height and width where a name, by its beginning, does not mean 224: the crop sizes of PaddleClas's
training configurations (``ppcls/configs/ImageNet``), which its wheel leaves out, and of the papers."""

BICUBIC = (
    "BEiTv2_",
    "CAE_",
    "CLIP_",
    "CSWinTransformer_",
    "ConvNeXt_",
    "CvT_",
    "DeiT_",
    "EVA_",
    "EfficientNet",
    "LeViT_",
    "MAE_",
    "MOCOV3_",
    "MixNet_",
    "NextViT_",
    "PVT_V2_",
    "SwinTransformer",
    "TNT_",
    "TinyNet_",
    "UniFormer_",
    "VAN_",
    "alt_gvt_",
    "pcpvt_",
)
"""The beginnings of names whose configurations ask for bicubic; all others resize bilinearly, which
is PaddleClas's own default (``deploy/python/preprocess.py``)."""

HALF_MEANS = ("MobileViT", "TNT_", "ViT_")
"""The beginnings of names whose configurations normalise otherwise than ImageNet's usual way."""


def _vision_builders() -> Dict[str, Callable[..., Any]]:
    found = {name: getattr(vision, name) for name in vision.__all__}
    return {name: builder for name, builder in found.items() if inspect.isfunction(builder)}


def _paddleclas_builders() -> Dict[str, Callable[..., Any]]:
    found = {
        name: getattr(backbone, name) for name in backbone.__all__ if not name.startswith(NO_CLASSIFIERS)
    }
    return {name: builder for name, builder in found.items() if inspect.isfunction(builder)}


BUILDERS = {**_vision_builders(), **_paddleclas_builders()}
"""The function that builds each network. paddle.vision writes names in small letters (``vgg16``),
PaddleClas with capitals (``VGG16``), so that no name means two networks."""


def preprocessing(name: str) -> Dict[str, Any]:
    """How the network ``name`` wants its pictures, as ``protocol.py`` describes it."""
    size = _size(name)
    half = name.startswith(HALF_MEANS)
    plain = name.startswith("MobileViT")  # these take values between 0 and 1 as they are, blue first
    mean, std = ([0.5] * 3, [0.5] * 3) if half else (MEAN, STD)
    return {
        "input_size": [3, size, size],
        "resize": size if size > 320 else round(size * 256 / 224),
        "crop_mode": "center",
        "interpolation": "bicubic" if name.startswith(BICUBIC) else "bilinear",
        "mean": [0.0] * 3 if plain else mean,
        "std": [1.0] * 3 if plain else std,
        "colour": "BGR" if plain else "RGB",
    }


def _size(name: str) -> int:
    last = name.rsplit("_", 1)[-1]
    if last in {"256", "384"}:
        return int(last)
    return next((size for beginning, size in SIZES.items() if name.startswith(beginning)), 224)


def build(name: str) -> Any:
    """The network ``name`` in eval mode, with fresh weights; TaskError where there is none."""
    return _build(name, {})


def _build(name: str, options: Dict[str, Any]) -> Any:
    if name not in BUILDERS:
        close = difflib.get_close_matches(name, list(BUILDERS), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise TaskError(MODEL, f"neither paddle.vision nor PaddleClas has a classifier {name!r}{hint}")
    network = BUILDERS[name](**options)
    network.eval()
    return network


def build_pretrained(name: str, read: Callable[[str], Dict[str, Any]]) -> Tuple[Any, str]:
    """The network ``name`` with the framework's own weights, and the path of the file downloaded.

    The framework chooses the address, downloads and caches; ``read`` takes the place of
    ``paddle.load``, which would run code that a file holds. Raises TaskError where there are no
    weights or the download fails.
    """
    files: List[str] = []

    def load(path: str, **_: Any) -> Dict[str, Any]:
        files.append(path)
        return read(path)

    with _replaced(paddle, "load", load):
        try:
            network = _build(name, {"pretrained": True})
        except TaskError:
            raise
        except Exception as error:
            raise TaskError(
                WEIGHTS,
                f"the pretrained weights of {name} could not be had: {type(error).__name__}: {error}. "
                "Check the network, or give a file of weights",
            ) from error
    if not files:
        raise TaskError(
            WEIGHTS, f"Paddle has no pretrained weights for {name}: give a file, or random weights"
        )
    return network, files[-1]


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: Any) -> Any:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
