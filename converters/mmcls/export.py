"""mmcls's side: run by path in its own environment, see ``converters/worker/protocol.py``."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from pathlib import Path
from typing import Any, ContextManager, Dict, List, Optional, Sequence, Set, Tuple

from mmcls_pictures import preprocessing
from networks import Network, no_untrained_head
from own_code import Told
from protocol import MODEL, WEIGHTS, Task, TaskError, main
from pytorch import Framework, Pretrained, tasks
from pytorch_channels import with_channels
from pytorch_downloads import download
from pytorch_forms import Fusing
from pytorch_weights import fit, read_checkpoint
from torchvision_operators import import_torchvision

import_torchvision()  # before mmcv, which imports it as it is

import mmcv  # noqa: E402
from mmcls.models import BACKBONES, LeNet5, build_classifier  # noqa: E402
from mmcls.models.heads import ConformerHead, MultiLabelClsHead  # noqa: E402
from mmcls.models.utils import ShiftWindowMSA  # noqa: E402

from mmcls_configs import (  # noqa: E402
    CONFIGS,
    config,
    config_files,
    family,
    is_own,
    labels_of,
    names,
    packaged_code,
    read_own,
)

ENTRIES = ("state_dict",)
"""What ``mmcv.runner.load_checkpoint`` takes; mmengine puts averaged weights there before it saves."""


def catalogue() -> Dict[str, Dict[str, Any]]:
    """Every classifier whose config can be read, its family and how it wants its pictures."""
    models = {}
    for model, file in config_files().items():
        try:
            wanted = preprocessing(model, config(model))
        except TaskError as error:
            print(f"left out: {error}", file=sys.stderr)
        else:
            models[model] = {"family": family(file), "preprocessing": wanted}
    return models


def join_windows(windows: Any, height: Any, width: Any, window: int) -> Any:
    """What mmcls's ``ShiftWindowMSA.window_reverse`` computes, for any number of pictures in an ONNX file.

    Joins ``windows``, (N * windows per picture, window, window, C), to (N, height, width, C). mmcls
    makes N a Python integer, and a traced graph would keep that of the example.
    """
    rows, columns = height // window, width // window
    grid = windows.view(-1, rows, columns, window, window, windows.shape[-1])
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, windows.shape[-1])


ShiftWindowMSA.window_reverse = staticmethod(join_windows)


def keep_batch(network: Any, pictures: Any) -> Tuple[Any]:
    """What mmcls's ``LeNet5.forward`` computes, (N, classes), for one picture as well.

    mmcls drops every axis of length 1 between the maps and the classifier, that of the batch with them.
    """
    maps = network.features(pictures)
    return (network.classifier(maps.flatten(1)) if network.num_classes > 0 else maps,)


LeNet5.forward = keep_batch


def own_size(model: str) -> Sequence[int]:
    """Channels, height and width of the pictures that the config of ``model`` prepares."""
    size: Sequence[int] = preprocessing(model, config(model))["input_size"]
    return size


def described(asked: Network) -> Tuple[Any, Optional[int]]:
    """The ``model`` of the config, with all that is asked for in it, and the channels that it leaves open.

    ``arguments`` are merged into it as mmcls's own ``--cfg-options`` are.
    """
    configuration = config(asked.model)
    configuration.merge_from_dict({"model": asked.arguments})
    wanted = configuration.model
    if asked.classes is not None:
        for part in _with_classes(asked.model, wanted):
            part.num_classes = asked.classes
    taken = _keywords(BACKBONES.get(wanted.backbone.type))
    if asked.size is not None and "img_size" in taken:
        wanted.backbone.img_size = asked.size
    if asked.channels is None or "in_channels" not in taken:
        return wanted, asked.channels
    wanted.backbone.in_channels = asked.channels
    return wanted, None


def _with_classes(model: str, wanted: Any) -> List[Any]:
    """The parts of a config that say how many classes there are: the head, or the backbone of a VGG."""
    parts = [part for part in (wanted.get("backbone"), wanted.get("head")) if part and "num_classes" in part]
    if not parts:
        raise TaskError(
            MODEL, f"the config of {model} does not say how many classes there are: leave `classes` out"
        )
    return parts


def _keywords(constructor: Any) -> Set[str]:
    """What the constructors of a class and of those that it is derived from take."""
    kinds = constructor.__mro__ if constructor else ()
    return {name for kind in kinds for name in inspect.signature(kind.__init__).parameters}


def build(asked: Network) -> Any:
    """The network, made to answer with its raw scores."""
    wanted, channels = described(asked)
    with building(asked):
        network = build_classifier(wanted)
    if channels is not None:
        with_channels(network, channels)
    raw = {"sigmoid" if isinstance(network.head, MultiLabelClsHead) else "softmax": False}
    forward = network.forward

    def scores(pictures: Any) -> Any:
        answer = forward(pictures, return_loss=False, post_process=False, **raw)
        # Conformer adds the scores of its two heads for a prediction, but hands raw ones out apart.
        return answer[0] + answer[1] if isinstance(network.head, ConformerHead) else answer

    network.forward = scores
    return network


def building(asked: Network) -> ContextManager[None]:
    """Tells what a config of the user's asks for in vain, where its entry asks for nothing beside it."""
    told = is_own(asked.model) and asked.is_own
    return Told(f"building the network of {asked.model}") if told else contextlib.nullcontext()


def fuse(network: Any) -> None:
    """Bring the network into its form for inference, in place, where mmcls has one and this is not it yet."""
    deployed = any(getattr(module, "deploy", False) for module in network.backbone.modules())
    if hasattr(network.backbone, "switch_to_deploy") and not deployed:
        network.backbone.switch_to_deploy()


FUSING = Fusing(fuse, ("reparameterize", "local_inject"))


def pretrained(asked: Network) -> Pretrained:
    """The network with the weights that mmcls's index of models lists for its config."""
    model = asked.model
    if asked.classes is not None:
        trained = _with_classes(model, config(model).model)[0].num_classes
        if asked.classes != trained:
            raise no_untrained_head(asked, trained)
    url = weights_urls().get(model)
    if url is None:
        raise TaskError(
            WEIGHTS, f"mmcls lists no pretrained weights for {model}: take another config, or name a file"
        )
    file = download(url, model)
    network, checkpoint = build(asked), read_checkpoint(file, ENTRIES)
    fit(network, checkpoint)
    return Pretrained(network, f"weights of mmcls's index, {url}", file, labels(checkpoint.saved))


def labels(saved: Any) -> Optional[Sequence[str]]:
    """The names of the classes in a checkpoint; None where it has none.

    mmcls writes those of the data set as ``CLASSES`` into ``meta``, and mmpretrain, which came after it, as
    ``classes`` into the ``dataset_meta`` there.
    """
    meta = _part(saved, "meta")
    places = (_part(meta, "dataset_meta"), meta)
    found = [place[key] for place in places for key in ("classes", "CLASSES") if key in place]
    return next((names for names in found if _are_names(names)), None)


def _part(value: Any, key: str) -> Dict[Any, Any]:
    part = value.get(key) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


def has_pretrained(model: str) -> bool:
    """Whether mmcls's index lists weights for the config of ``model``."""
    return model in weights_urls()


@functools.lru_cache(maxsize=None)
def weights_urls() -> Dict[str, str]:
    """Where the weights of a config are, from the metafiles beside the configs.

    Of several weights for one config the first counts, which is the plain one; weights of backbones
    alone are listed without a config.
    """
    listed = [mmcv.load(str(file))["Models"] for file in sorted(CONFIGS.glob("*/metafile.yml"))]
    models = [model for models in listed for model in models if model.get("Weights") and model.get("Config")]
    return {Path(model["Config"]).stem: model["Weights"] for model in reversed(models)}


FRAMEWORK = Framework(
    names, catalogue, build, pretrained, has_pretrained, own_size, ENTRIES, FUSING, labels, labels_of
)


def preprocessing_task(request: Dict[str, Any]) -> Dict[str, Any]:
    """Do the task ``preprocessing`` of ``protocol.py``."""
    return {"preprocessing": preprocessing(request["model"], config(request["model"]))}


def _served(task: Task) -> Task:
    """``task``, which reads the config first where a request names one of the user's."""

    def serve(request: Dict[str, Any]) -> Dict[str, Any]:
        model = request.get("model", "")
        if not is_own(model):
            return task(request)
        read_own(request)
        answer = task(request)
        if request["task"] == "export":
            answer["form"] = f"as the config {os.path.basename(model)} describes it"
            answer["packaged_code"] = packaged_code()
        return answer

    return serve


if __name__ == "__main__":
    every = {**tasks(FRAMEWORK), "preprocessing": preprocessing_task}
    main({name: _served(task) for name, task in every.items()})
