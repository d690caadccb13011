"""timm's side: run by path in its own environment, see ``converters/worker/protocol.py``."""

from __future__ import annotations

import functools
import math
from typing import Any, Callable, Dict, List, Tuple

from networks import UNKNOWN, Network, no_untrained_head
from protocol import WEIGHTS, TaskError, main
from pytorch import Framework, Pretrained, tasks
from pytorch_downloads import SILENCE, download, download_failed
from pytorch_files import require_plain
from pytorch_forms import Fusing
from pytorch_weights import read_checkpoint
from torchvision_operators import compiler_on_demand, import_torchvision

import_torchvision()  # before timm, which imports it as it is

with compiler_on_demand():
    import timm
from huggingface_hub import (  # noqa: E402
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import RemoteEntryNotFoundError  # noqa: E402

HUB_FILES = ("model.safetensors", "pytorch_model.bin")
ENTRIES = ("state_dict_ema", "model_ema", "state_dict", "model")
"""In the order of ``timm.models.load_state_dict``, which takes averaged weights unless it is told not to."""

FAMILIES = {
    "coatnet_": "coatnet",
    "darknet": "darknet",
    "fbnetc_": "fbnet",
    "fbnetv3_": "fbnetv3",
    "gernet_": "gernet",
    "gmlp_": "gmlp",
    "lcnet_": "lcnet",
    "maxvit_": "maxvit",
    "mixnet_": "mixnet",
    "mnasnet_": "mnasnet",
    "mobilenetv1_": "mobilenetv1",
    "mobilenetv2_": "mobilenetv2",
    "mobilenetv4_": "mobilenetv4",
    "mobileone_": "mobileone",
    "poolformer": "poolformer",
    "regnetz_": "regnet",
    "repvgg_": "repvgg",
    "resmlp_": "resmlp",
    "semnasnet_": "mnasnet",
    "spnasnet_": "spnasnet",
    "tf_mixnet_": "mixnet",
    "tinynet_": "tinynet",
}
"""The family by the beginning of a name, where timm builds several families in a module of another name,
such as ``byobnet`` and ``efficientnet``."""


def catalogue() -> Dict[str, Dict[str, Any]]:
    """Every classifier, its family and how it wants its pictures; no tag in a name means the default one."""
    return {
        name: {
            "family": family(name),
            "preprocessing": preprocessing(timm.models.get_pretrained_cfg(name)),
        }
        for name in names()
    }


def family(name: str) -> str:
    """The module of timm that defines the model ``name``, or the network's own name of FAMILIES."""
    model = name.split(".", maxsplit=1)[0]
    own = (network for beginning, network in FAMILIES.items() if model.startswith(beginning))
    module: str = timm.models.model_entrypoint(model).__module__
    return next(own, module.rsplit(".", 1)[-1])


def names() -> List[str]:
    """The classifiers, with and without the tags of their weights; backbones without a head are none."""
    listed = sorted({*timm.list_models(), *timm.list_pretrained()})
    return [name for name in listed if timm.models.get_pretrained_cfg(name).num_classes > 0]


def preprocessing(configuration: Any) -> Dict[str, Any]:
    """As timm's own evaluation has it: the shorter side becomes the crop's divided by crop_pct."""
    return {
        "input_size": list(configuration.input_size),
        "resize": math.floor(min(configuration.input_size[1:]) / configuration.crop_pct),
        "crop_mode": configuration.crop_mode,
        "interpolation": configuration.interpolation,
        "mean": list(configuration.mean),
        "std": list(configuration.std),
        "colour": "RGB",
    }


def own_size(model: str) -> List[int]:
    """Channels, height and width of the pictures that ``model`` was made for."""
    return list(timm.models.get_pretrained_cfg(model).input_size)


def build(network: Network) -> Any:
    """The network, of layers that can be exported."""
    return timm.create_model(network.model, **keywords(network))


def keywords(network: Network) -> Dict[str, Any]:
    """What ``timm.create_model`` is told of ``network``; its size where the network is made for one alone."""
    asked: Dict[str, Any] = {"num_classes": network.classes, "in_chans": network.channels}
    if timm.models.get_pretrained_cfg(network.model).fixed_input_size:
        asked["img_size"] = network.size
    given = {name: value for name, value in asked.items() if value is not None}
    return {"exportable": True, **given, **network.arguments}


def fuse(network: Any) -> None:
    """Bring the network into its form for inference, in place."""
    outermost = _outermost_blocks(network)
    for block in outermost:
        block.reparameterize = functools.partial(_fuse_block, block, block.reparameterize)
    timm.utils.reparameterize_model(network, inplace=True)
    for block in outermost:
        del block.reparameterize


def _outermost_blocks(network: Any) -> List[Any]:
    """The blocks that fuse themselves. Not their parts: who holds those keeps them in memory."""
    blocks = [module for module in network.modules() if hasattr(module, "reparameterize")]
    inner = {part for block in blocks for part in block.modules() if part is not block}
    return [block for block in blocks if block not in inner]


def _fuse_block(block: Any, reparameterize: Callable[[], None]) -> None:
    """Fuse one block, and let go of identities as kernels, which are as large as the fused ones.

    Those of the blocks inside it go last: a block may fuse its inner blocks first and read theirs.
    """
    reparameterize()
    for part in block.modules():
        part.__dict__.pop("id_tensor", None)


FUSING = Fusing(fuse, ("fuse", "reparameterize", "switch_to_deploy"))


def pretrained(network: Network) -> Pretrained:
    """The network with the weights of its tag, downloaded and cached by timm.

    For other channels and sizes timm adapts the trained weights, but a head for other classes is a new one.
    """
    model = network.model
    configuration = timm.models.get_pretrained_cfg(model)
    if network.classes not in (None, configuration.num_classes):
        raise no_untrained_head(network, configuration.num_classes)
    if not has_pretrained(model):
        raise TaskError(
            WEIGHTS, f"timm has no pretrained weights for {model}: take another tag, or name a file"
        )
    if configuration.hf_hub_id:
        url, file = _hub_file(configuration.hf_hub_id, model)
    else:
        url, file = configuration.url, download(configuration.url, model)
    if not file.endswith(".safetensors"):
        require_plain(file)
    # timm's own loader, which knows how old checkpoints have to be renamed, on the file just fetched.
    overlay = {"file": file, "custom_load": False}
    try:
        loaded = timm.create_model(
            model, pretrained=True, pretrained_cfg_overlay=overlay, **keywords(network)
        )
    except Exception as error:
        if UNKNOWN.search(str(error)):
            raise  # it is not the file
        read_checkpoint(file)  # says what is wrong with the file, if it is the file
        raise TaskError(WEIGHTS, f"timm cannot load {url} into {model}: {error}") from error
    return Pretrained(loaded, f"pretrained weights of timm, {url}", file)


def has_pretrained(model: str) -> bool:
    """Whether timm knows where the weights of the tag are."""
    return bool(timm.models.get_pretrained_cfg(model).has_weights)


def _hub_file(repository: str, model: str) -> Tuple[str, str]:
    """Address and path of the weights in a repository of the Hugging Face hub, cached by its library."""
    url = ""
    for name in HUB_FILES:
        url = hf_hub_url(repository, name)
        try:
            if not isinstance(try_to_load_from_cache(repository, name), str):
                get_hf_file_metadata(url, timeout=SILENCE)  # asks once; the download would for minutes
            return url, hf_hub_download(repository, name)
        except RemoteEntryNotFoundError:
            continue
        except Exception as error:  # the errors of its HTTP client are nothing else
            raise download_failed(model, url, error) from error
    raise TaskError(
        WEIGHTS,
        f"{url.rsplit('/', 1)[0]} has none of {', '.join(HUB_FILES)}: name a weights file for {model}",
    )


if __name__ == "__main__":
    own = Framework(names, catalogue, build, pretrained, has_pretrained, own_size, ENTRIES, FUSING)
    main(tasks(own))
