"""torchvision's side: run by path in its own environment, see ``converters/worker/protocol.py``."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from networks import Network, no_untrained_head
from protocol import MODEL, TaskError, main
from pytorch import Framework, Pretrained, tasks
from pytorch_channels import with_channels
from pytorch_downloads import download
from pytorch_weights import fit, read_checkpoint
from torchvision_operators import import_torchvision

torchvision = import_torchvision()

AUXILIARY = ("googlenet", "inception_v3")
"""Models with heads that only training reads, and with weights for pictures normalised otherwise."""
UNUSED = ("aux1.", "aux2.", "AuxLogits.")
"""The heads that only training reads."""


def names() -> Sequence[str]:
    """The classifiers of pictures; quantised and other models live in modules of their own."""
    listed: Sequence[str] = torchvision.models.list_models(module=torchvision.models)
    return listed


def catalogue() -> Dict[str, Dict[str, Any]]:
    """Every classifier, its family and how it wants its pictures."""
    return {model: {"family": family(model), "preprocessing": preprocessing(model)} for model in names()}


def family(model: str) -> str:
    """The module of torchvision that defines ``model``."""
    module: str = torchvision.models.get_model_builder(model).__module__
    return module.rsplit(".", 1)[-1]


def preprocessing(model: str) -> Dict[str, Any]:
    """As the recommended weights of ``model`` want it."""
    wanted = torchvision.models.get_model_weights(model).DEFAULT.transforms()
    [crop], [resize] = wanted.crop_size, wanted.resize_size
    return {
        "input_size": [3, crop, crop],
        "resize": resize,
        "crop_mode": "center",
        "interpolation": wanted.interpolation.value,
        "mean": list(wanted.mean),
        "std": list(wanted.std),
        "colour": "RGB",
    }


def own_size(model: str) -> Sequence[int]:
    """Channels, height and width of the pictures that the recommended weights of ``model`` want."""
    size: Sequence[int] = preprocessing(model)["input_size"]
    return size


def build(network: Network) -> Any:
    """The network; where torchvision's weights expect their own normalisation, with it inside."""
    given: Dict[str, Any] = {}
    if network.model in AUXILIARY:
        # Its own normalisation is one of three colours.
        coloured = network.channels is None
        given = {"transform_input": coloured, "aux_logits": False, "init_weights": False}
    if network.classes is not None:
        given["num_classes"] = network.classes
    if network.size is not None:
        given.update(_size(network.model, network.size))
    built = torchvision.models.get_model(network.model, weights=None, **{**given, **network.arguments})
    return built if network.channels is None else with_channels(built, network.channels)


def _size(model: str, size: Tuple[int, int]) -> Dict[str, Any]:
    """The keywords for pictures of another size, which only transformers have."""
    if model.startswith("vit_"):
        if size[0] != size[1]:
            raise TaskError(MODEL, f"{model} takes square pictures only, and was given {size[0]} x {size[1]}")
        return {"image_size": size[0]}
    return {"input_size": size} if model.startswith("maxvit") else {}


def pretrained(network: Network) -> Pretrained:
    """The network with torchvision's recommended weights."""
    weights = torchvision.models.get_model_weights(network.model).DEFAULT
    if network.classes not in (None, len(weights.meta["categories"])):
        raise no_untrained_head(network, len(weights.meta["categories"]))
    file = download(weights.url, network.model)
    built = build(network)
    fit(built, read_checkpoint(file), UNUSED)
    return Pretrained(built, f"{weights} of torchvision, {weights.url}", file)


def has_pretrained(model: str) -> bool:
    """Whether torchvision lists weights for ``model``."""
    return len(torchvision.models.get_model_weights(model)) > 0


if __name__ == "__main__":
    main(tasks(Framework(names, catalogue, build, pretrained, has_pretrained, own_size, UNUSED)))
