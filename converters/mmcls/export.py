"""mmcls's side: run by path in its own environment, see ``converters/worker/protocol.py``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List

from mmcls_pictures import preprocessing
from protocol import MODEL, WEIGHTS, TaskError, main
from pytorch import Framework, Pretrained, download, tasks
from pytorch_forms import Fusing
from pytorch_weights import fit, read_checkpoint
from torchvision_operators import import_torchvision

import_torchvision()  # before mmcv, which imports it as it is

import mmcls  # noqa: E402
import mmcv  # noqa: E402
from mmcls.models import build_classifier  # noqa: E402
from mmcls.models.heads import ConformerHead, MultiLabelClsHead  # noqa: E402
from mmcls.models.utils import ShiftWindowMSA  # noqa: E402

CONFIGS = Path(mmcls.__file__).parent / ".mim" / "configs"
FAMILIES = {"fp16": "resnet"}
"""The family where a folder of configs is called after something else: how the network was trained."""


def config_files() -> Dict[str, Path]:
    """The config of every classifier by its name, the stem of the file."""
    configs = [file for file in CONFIGS.rglob("*.py") if "_base_" not in file.parts]
    return {file.stem: file for file in sorted(configs)}


def names() -> List[str]:
    """The classifiers that can be named."""
    return list(config_files())


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


def family(file: Path) -> str:
    """The folder that the config ``file`` is in."""
    folder = file.relative_to(CONFIGS).parts[0]
    return FAMILIES.get(folder, folder)


def config(model: str) -> Any:
    """The config of ``model``; TaskError where it refers to a file that the package lacks."""
    try:
        return mmcv.Config.fromfile(str(config_files()[model]))
    except FileNotFoundError as error:
        raise TaskError(
            MODEL, f"the config of {model} in mmcls {mmcls.__version__} is broken: {error}"
        ) from error


def join_windows(windows: Any, height: Any, width: Any, window: int) -> Any:
    """What mmcls's ``ShiftWindowMSA.window_reverse`` computes, for any number of pictures in an ONNX file.

    Joins ``windows``, (N * windows per picture, window, window, C), to (N, height, width, C). mmcls
    makes N a Python integer, and a traced graph would keep that of the example.
    """
    rows, columns = height // window, width // window
    grid = windows.view(-1, rows, columns, window, window, windows.shape[-1])
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, windows.shape[-1])


ShiftWindowMSA.window_reverse = staticmethod(join_windows)


def build(model: str) -> Any:
    """The network, made to answer with its raw scores."""
    network = build_classifier(config(model).model)
    raw = {"sigmoid" if isinstance(network.head, MultiLabelClsHead) else "softmax": False}
    forward = network.forward

    def scores(pictures: Any) -> Any:
        answer = forward(pictures, return_loss=False, post_process=False, **raw)
        # Conformer adds the scores of its two heads for a prediction, but hands raw ones out apart.
        return answer[0] + answer[1] if isinstance(network.head, ConformerHead) else answer

    network.forward = scores
    return network


def fuse(network: Any) -> None:
    """Bring the network into its form for inference, in place, where mmcls has one and this is not it yet."""
    deployed = any(getattr(module, "deploy", False) for module in network.backbone.modules())
    if hasattr(network.backbone, "switch_to_deploy") and not deployed:
        network.backbone.switch_to_deploy()


FUSING = Fusing(fuse, ("reparameterize", "local_inject"))


def pretrained(model: str) -> Pretrained:
    """The network with the weights that mmcls's index of models lists for its config."""
    url = weights_urls().get(model)
    if url is None:
        raise TaskError(
            WEIGHTS, f"mmcls lists no pretrained weights for {model}: take another config, or name a file"
        )
    file = download(url, model)
    network = build(model)
    fit(network, read_checkpoint(file), ())
    return Pretrained(network, f"weights of mmcls's index, {url}", file)


def weights_urls() -> Dict[str, str]:
    """Where the weights of a config are, from the metafiles beside the configs.

    Of several weights for one config the first counts, which is the plain one; weights of backbones
    alone are listed without a config.
    """
    listed = [mmcv.load(str(file))["Models"] for file in sorted(CONFIGS.glob("*/metafile.yml"))]
    models = [model for models in listed for model in models if model.get("Weights") and model.get("Config")]
    return {Path(model["Config"]).stem: model["Weights"] for model in reversed(models)}


if __name__ == "__main__":
    main(tasks(Framework(names, catalogue, build, pretrained, fusing=FUSING)))
