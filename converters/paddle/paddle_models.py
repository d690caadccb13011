"""The classifiers of paddle.vision and of PaddleClas: their names and how to build them."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import inspect
import os
import sys
import types
from typing import Any, Callable, Dict, List, Optional, Tuple

import httpx
import paddle
import paddle.utils.download
import paddle.vision.models as vision

import paddle_keywords
from networks import Network
from protocol import WEIGHTS, TaskError, unknown_model

# The wheel keeps its package `ppcls` inside of `paddleclas`, whose own import asks for a whole
# command line program; its architectures need nothing of that.
_wheel = importlib.util.find_spec("paddleclas")
if _wheel is None or not _wheel.submodule_search_locations:
    raise ImportError("the package paddleclas is not installed in this environment")
sys.path.append(_wheel.submodule_search_locations[0])

# PaddleClas imports what it judges a training by, and with it scikit-learn, which takes as long to import as
# Paddle itself. No architecture judges anything.
_judging = types.ModuleType("ppcls.utils.metrics")
for _figure in (
    "accuracy_score",
    "hamming_distance",
    "mean_average_precision",
    "multi_hot_encode",
    "precision_recall_fscore",
):
    setattr(_judging, _figure, None)
sys.modules[_judging.__name__] = _judging

from ppcls.arch import backbone  # noqa: E402
from ppcls.utils import download, logger  # noqa: E402

import paddle_repairs  # noqa: E402

logger.init_logger()  # some architectures warn, and the logger raises before this
paddle_repairs.repair()

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


def _vision_builders() -> Dict[str, Callable[..., Any]]:
    members = {name: getattr(vision, name) for name in vision.__all__}
    return {name: builder for name, builder in members.items() if inspect.isfunction(builder)}


def _paddleclas_builders() -> Dict[str, Callable[..., Any]]:
    members = {
        name: getattr(backbone, name) for name in backbone.__all__ if not name.startswith(NO_CLASSIFIERS)
    }
    return {name: builder for name, builder in members.items() if inspect.isfunction(builder)}


FAMILIES = {
    "distilled_vision_transformer": "deit",
    "efficientnet_variant": "efficientnet",
    "inceptionv3": "inception_v3",
    "mobilenetv1": "mobilenet_v1",
    "mobilenetv2": "mobilenet_v2",
    "mobilenetv3": "mobilenet_v3",
    "pp_lcnet_variant": "pp_lcnet",
    "resnet_variant": "resnet",
    "shufflenetv2": "shufflenet_v2",
    "swin_transformer_variant": "swin_transformer",
    "vgg_variant": "vgg",
}
"""The family where it is not called as the module is: paddle.vision and PaddleClas spell some differently,
and PaddleClas keeps its variants of a network in modules apart."""

SILENCE = 30.0
"""Seconds without an answer after which a download has failed."""

BUILDERS = {**_vision_builders(), **_paddleclas_builders()}
"""The function that builds each network. paddle.vision writes names in small letters (``vgg16``),
PaddleClas with capitals (``VGG16``), so that no name means two networks."""


def family(name: str) -> str:
    """The module of paddle.vision or PaddleClas that defines the network ``name``."""
    module = BUILDERS[name].__module__.rsplit(".", 1)[-1]
    return FAMILIES.get(module, module)


def build(asked: Network) -> Any:
    """The network in eval mode, with fresh weights; TaskError where there is none of its name."""
    if asked.model not in BUILDERS:
        raise unknown_model(asked.model, BUILDERS)
    builder = BUILDERS[asked.model]
    keywords = paddle_keywords.keywords(builder, asked)
    network = _build(builder, {**keywords, **asked.arguments})
    paddle_keywords.require_taken(builder, network, [*keywords, *asked.arguments])
    if asked.channels is not None and not paddle_keywords.CHANNELS & set(keywords):
        paddle_keywords.give_channels(network, asked.channels)
    return network


def _build(builder: Callable[..., Any], options: Dict[str, Any]) -> Any:
    # Some builders load weights, with a pickle that may run code, unless they are told not to.
    options = {"pretrained": False, **options}
    with contextlib.nullcontext() if options["pretrained"] else _with_an_address(builder):
        network = builder(**options)
    network.eval()
    return network


@contextlib.contextmanager
def _with_an_address(builder: Callable[..., Any]) -> Any:
    """Some builders ask for the address of weights that they are told not to load, and that do not exist."""
    addresses = getattr(sys.modules[builder.__module__], "MODEL_URLS", {})
    missing = builder.__name__ not in addresses
    if missing:
        addresses[builder.__name__] = ""
    try:
        yield
    finally:
        if missing:
            del addresses[builder.__name__]


class _FetchedError(Exception):
    """The framework has its weights, and would load them."""


def find_pretrained(name: str) -> Tuple[str, str]:
    """The address of the framework's own weights for the network ``name``, and the path of the file.

    The framework chooses the address, downloads and caches, while it builds a network that is given up
    where ``paddle.load`` would run code that the file may hold. Raises TaskError where there are no
    weights or the download fails.
    """
    if name not in BUILDERS:
        raise unknown_model(name, BUILDERS)
    files: List[str] = []
    urls: List[str] = []

    def load(path: str, **_: Any) -> None:
        files.append(path)
        raise _FetchedError

    with _downloading(lambda module: _asking_first(module, urls)), _replaced(paddle, "load", load):
        try:
            _build(BUILDERS[name], {"pretrained": True})
        except _FetchedError:
            pass
        except TaskError:
            raise
        except Exception as error:
            raise TaskError(
                WEIGHTS,
                f"the pretrained weights of {name} could not be had{' from ' if urls else ''}"
                f"{''.join(urls[-1:])}: {type(error).__name__}: {error}. "
                "Check that it can be reached, or name a weights file",
            ) from error
    if not files or not urls:
        raise TaskError(
            WEIGHTS, f"Paddle has no pretrained weights for {name}: give a file, or random weights"
        )
    gc.collect()  # layers refer to each other
    return urls[-1], files[-1]


def has_pretrained(name: str) -> bool:
    """Whether the framework knows an address of weights for the network ``name``; nothing is fetched."""

    def found(url: str, *_: Any, **__: Any) -> str:
        raise _FetchedError

    with _downloading(lambda _: found):
        try:
            _build(BUILDERS[name], {"pretrained": True})
        except _FetchedError:
            return True
        except Exception:  # noqa: BLE001 - a builder without weights raises what it likes
            return False
    return False


@contextlib.contextmanager
def _downloading(function_of: Callable[[Any], Callable[..., str]]) -> Any:
    """Let the framework download with ``function_of(module)``, for a network that is given up."""
    with contextlib.ExitStack() as stack:
        for module in (paddle.utils.download, download):
            stack.enter_context(_replaced(module, "get_path_from_url", function_of(module)))
        stack.enter_context(paddle.utils.unique_name.guard())  # the network that is kept begins at 0 too
        yield


def _asking_first(module: Any, urls: List[str]) -> Callable[..., str]:
    """``get_path_from_url`` of ``module``, noting the address in ``urls`` and giving up at once.

    The function itself tries three times, waits for ever each time, and does not say what happened.
    """
    fetch = module.get_path_from_url

    def fetch_or_raise(url: str, root_dir: str, md5sum: Optional[str] = None, **options: Any) -> str:
        urls.append(url)
        file = os.path.join(root_dir, os.path.basename(url))
        if not (os.path.exists(file) and module._md5check(file, md5sum)):
            with httpx.stream("GET", url, timeout=SILENCE, follow_redirects=True) as answer:
                if answer.status_code != 200:
                    raise OSError(f"the server answered {answer.status_code} {answer.reason_phrase}")
        # It would unpack an archive, however large it becomes.
        path: str = fetch(url, root_dir, md5sum, **{**options, "decompress": False})
        return path

    return fetch_or_raise


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: Any) -> Any:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
