"""How the pictures of a model are prepared: as its framework says, or its config, and the pipeline file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from converters.interface import preprocessing_call
from pipeline.environments.building import Environment
from pipeline.planning.own_models import ConfigModel
from pipeline.stages.model_run import ModelRun
from pipeline.workers.sources import computing, run_worker


def preprocessing_of(run: ModelRun, environment: Environment, folder: Path) -> dict[str, Any]:
    """The framework's own preprocessing, with the fields that the pipeline file replaces.

    A config of the user's is asked for its own in its ``environment``, for which ``folder`` receives the
    files of a worker; raises WorkerError where it cannot say it. A model given as a folder has none of its
    own: its pictures are squashed to the input size and scaled to 0..1, where the pipeline file does not say
    otherwise.
    """
    from evaluation.preprocessing import Preprocessing

    job = run.job
    entry = job.entry
    changes = entry.preprocessing.model_dump(exclude_none=True)
    if job.listed:
        own = dict(job.listed.preprocessing)
    elif isinstance(job.model, ConfigModel):
        own = _of_config(run, environment, folder)
    else:
        channels, height, width = changes["input_size"]
        own = {
            "input_size": (channels, height, width),
            "resize": min(height, width),
            "crop_mode": "squash",
            "interpolation": "bilinear",
            "mean": [0.0] * channels,
            "std": [1.0] * channels,
            "colour": "RGB",
        }
    size = entry.input_size(tuple(own["input_size"]))
    if size[1:] != tuple(own["input_size"][1:]) and "resize" not in changes:
        # Another size, and the same share of the picture in the crop.
        own = own | {"resize": round(own["resize"] * size[1] / own["input_size"][1])}
    if size[0] != own["input_size"][0]:
        own = _for_channels(own, size[0])
    return Preprocessing.from_dict(own | changes | {"input_size": list(size)}).to_dict()


def _of_config(run: ModelRun, environment: Environment, folder: Path) -> dict[str, Any]:
    """How a config of the user's wants its pictures."""
    job = run.job
    answer = run_worker(
        preprocessing_call(job.source, job.model.argument, job.network_options),
        python=environment.python,
        variables=computing(environment.description.variables),
        what=f"asking {job.name} for its preprocessing",
        folder=folder,
        limits=run.limits,
        stop=run.stop,
    )
    own: dict[str, Any] = answer["preprocessing"]
    return own


def _for_channels(own: dict[str, Any], channels: int) -> dict[str, Any]:
    """A preprocessing for pictures of another number of channels: each gets the mean of the framework's.

    So timm's own loader has it (``adapt_to_chs`` of timm.data.loader). The conventions of other frameworks
    have three channels alone, so torchvision's, which has any number, takes their place.
    """
    plain = {key: value for key, value in own.items() if key not in ("convention", "library")}
    if plain["crop_mode"] == "center_first":
        plain["crop_mode"] = "center"
    means = {name: round(sum(own[name]) / len(own[name]), 10) for name in ("mean", "std")}
    return plain | {name: [value] * channels for name, value in means.items()}
