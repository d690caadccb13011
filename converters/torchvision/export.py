"""torchvision's side: run by path in its own environment, see ``converters/worker/protocol.py``."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from protocol import main
from pytorch import Framework, Pretrained, download, tasks
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


def build(model: str) -> Any:
    """The network; where torchvision's weights expect their own normalisation, with it inside."""
    options = (
        {"transform_input": True, "aux_logits": False, "init_weights": False} if model in AUXILIARY else {}
    )
    return torchvision.models.get_model(model, weights=None, **options)


def pretrained(model: str) -> Pretrained:
    """The network with torchvision's recommended weights."""
    weights = torchvision.models.get_model_weights(model).DEFAULT
    file = download(weights.url, model)
    network = build(model)
    fit(network, read_checkpoint(file), UNUSED)
    return Pretrained(network, f"{weights} of torchvision, {weights.url}", file)


def has_pretrained(model: str) -> bool:
    """Whether torchvision lists weights for ``model``."""
    return len(torchvision.models.get_model_weights(model)) > 0


if __name__ == "__main__":
    main(tasks(Framework(names, catalogue, build, pretrained, has_pretrained, UNUSED)))
