"""timm's side: run by path in its own environment, see ``converters/worker/protocol.py``."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional

from protocol import WEIGHTS, TaskError, main
from pytorch import Framework, Pretrained, download_failed, tasks
from torchvision_operators import import_torchvision

import_torchvision()  # before timm, which imports it as it is

import timm  # noqa: E402
from huggingface_hub import try_to_load_from_cache  # type: ignore[import-not-found]  # noqa: E402

HUB = "https://huggingface.co/"
HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def catalogue() -> Dict[str, Dict[str, Any]]:
    """Every classifier and how it wants its pictures; a name without a tag means the default tag."""
    named = {name: timm.models.get_pretrained_cfg(name) for name in names()}
    return {name: preprocessing(configuration) for name, configuration in named.items()}


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


def build(model: str) -> Any:
    """The network, of layers that can be exported."""
    return timm.create_model(model, exportable=True)


def pretrained(model: str) -> Pretrained:
    """The network with the weights of its tag, downloaded and cached by timm."""
    configuration = timm.models.get_pretrained_cfg(model)
    if not configuration.has_weights:
        raise TaskError(
            WEIGHTS, f"timm has no pretrained weights for {model}: take another tag, or name a file"
        )
    place = HUB + configuration.hf_hub_id if configuration.hf_hub_id else str(configuration.url)
    timm.models.set_pretrained_check_hash(True)
    try:
        network = timm.create_model(model, pretrained=True, exportable=True)
    except (OSError, RuntimeError) as error:
        raise download_failed(model, place, error) from error
    return Pretrained(network, f"pretrained weights of timm, {place}", _cached_file(configuration))


def _cached_file(configuration: Any) -> Optional[str]:
    """The file that timm downloaded, where it came from the Hugging Face hub."""
    if not configuration.hf_hub_id:
        return None
    wanted = [configuration.hf_hub_filename] if configuration.hf_hub_filename else HUB_FILES
    found = [try_to_load_from_cache(configuration.hf_hub_id, name) for name in wanted]
    return next((path for path in found if isinstance(path, str)), None)


if __name__ == "__main__":
    main(tasks(Framework(names, catalogue, build, pretrained)))
