"""What models each source has, known without its framework: ``catalogue.json`` beside its lock.

The file is written from what the framework of the lock answers, whenever that is locked, and ships with the
lock. It is JSON with a line for each model, sorted by name::

    {"preprocessing": {"crop_mode": "center", "mean": [0.485, 0.456, 0.406], ...},
    "models": {
    "vgg11": {"bytes": 531453344, "family": "vgg", "parameters": 132863336,
              "preprocessing": {"input_size": [3, 224, 224], "resize": 256}, "pretrained": true},
    ...
    }}

(the entry of ``vgg11`` in one line). ``preprocessing`` at the top holds where a model says nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from converters.interface import Source

_USUAL: Mapping[str, Any] = {
    "colour": "RGB",
    "crop_mode": "center",
    "input_size": [3, 224, 224],
    "interpolation": "bilinear",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}
"""The preprocessing of most networks that were trained on ImageNet; ``resize`` differs too much."""


@dataclass(frozen=True)
class ListedModel:
    """What is known of a framework's model before it is built; the words are those of ``worker/protocol.py``.

    Of a network that the framework lists and cannot build, ``parameters``, ``bytes`` and ``pretrained`` are
    None.
    """

    family: str
    preprocessing: Mapping[str, Any]
    parameters: int | None = None
    """The number of its learned values."""
    bytes: int | None = None
    """Those of all tensors that its ONNX file will hold, about."""
    pretrained: bool | None = None
    """Whether the framework offers weights for it."""

    @property
    def input_size(self) -> tuple[int, int, int]:
        """Channels, height and width of its pictures."""
        channels, height, width = self.preprocessing["input_size"]
        return channels, height, width


Catalogue = Mapping[str, ListedModel]
"""The models of a source by their names, sorted."""


def catalogue_file(source: Source) -> Path:
    """Where the list of a source's models is."""
    return source.folder / "catalogue.json"


@cache
def read_catalogue(source: Source) -> Catalogue:
    """The models that the framework of ``source`` has at the versions of its lock, if there is one."""
    if not source.is_framework:
        return {}
    content = json.loads(catalogue_file(source).read_text(encoding="utf-8"))
    usual = content["preprocessing"]
    return {
        name: ListedModel(**{**entry, "preprocessing": usual | entry["preprocessing"]})
        for name, entry in content["models"].items()
    }


def catalogue_text(models: Catalogue) -> str:
    """The text of the file that lists ``models``."""
    lines = ",\n".join(f"{_dumps(name)}: {_dumps(_entry(model))}" for name, model in sorted(models.items()))
    return f'{{"preprocessing": {_dumps(_USUAL)},\n"models": {{\n{lines}\n}}}}\n'


def _entry(model: ListedModel) -> dict[str, Any]:
    """The fields of ``model``, without what is usual in its preprocessing."""
    special = {key: value for key, value in model.preprocessing.items() if _USUAL.get(key) != value}
    return asdict(model) | {"preprocessing": special}


def _dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
