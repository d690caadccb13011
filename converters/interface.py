"""What a source is: the contract between a framework's folder and the pipeline.

A source describes the call that it wants; it never runs it. The call is a script, run by path with
the interpreter of the source's own environment, that reads one JSON file and writes another. The
script's side of the protocol is described in ``worker/protocol.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PYTORCH_SUFFIXES = (
    ".pth",
    ".pt",
    ".pth.tar",
    ".ckpt",
    ".bin",
    ".safetensors",
    ".safetensors.index.json",
    ".bin.index.json",
)
"""How the names of PyTorch's checkpoints end. What is inside decides how one is read: torch's archive, its
format of old, or safetensors."""

WORKER_MODULES = Path(__file__).parent / "worker"
"""Modules that export scripts share; on the module search path of every worker, and of nobody else."""


@dataclass(frozen=True)
class Source:
    """One framework, as the pipeline sees it.

    ``folder`` holds ``export.py`` (the framework's side), ``environment.toml`` and
    ``requirements.lock`` (what its environment is made of), and ``catalogue.json`` (the models in it).
    """

    name: str
    title: str
    folder: Path
    weights_suffixes: tuple[str, ...]
    """File name endings of the checkpoints that the source reads, such as ``.safetensors``."""
    license: str
    """Of the framework's code, as an SPDX expression: what a network without trained weights is under."""
    domain: str
    """The reverse host name of whoever makes it, such as ``org.pytorch``: where its models belong."""
    reads_entries: bool = False
    """Whether a checkpoint may hold several sets of weights, of which one is taken."""
    reads_model_folders: bool = False
    """Whether a model may also be named by the path of a folder that holds it."""
    folder_files: tuple[str, ...] = ()
    """Patterns of names of files, of each of which such a folder has exactly one."""
    reads_onnx_files: bool = False
    """Whether its models are ONNX files, named by their paths: our own interpreter runs them as they came, so
    that the source has neither an environment nor a catalogue."""
    reads_code: bool = False
    """Whether its models are code of the user's, named by their paths: ``./net.py:build``, or an archive."""
    reads_configs: bool = False
    """Whether a model may also be a config of the user's, named by its path: see ``mmcls_config.py``."""
    environment: str = ""
    """The source whose environment it runs in, where it has none of its own, and no catalogue."""
    start_seconds: float = 10.0
    """Until a small model is exported, about: the framework's own start is the most of it."""
    keywords: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The keys of a pipeline file by the keywords of the source's constructors that they stand for:
    ``classes``, ``channels``, ``preprocessing``, and ``weights`` for all that would load weights."""

    @property
    def is_framework(self) -> bool:
        """Whether it has an environment and a list of models of its own."""
        return not self.reads_onnx_files and not self.environment

    @property
    def script(self) -> Path:
        return self.folder / "export.py"

    @property
    def preloads(self) -> bool:
        """Whether what its script imports is worth keeping for other calls."""
        return self.start_seconds >= 1


@dataclass(frozen=True)
class WorkerCall:
    """One run of an export script: ``python script request.json result.json``."""

    script: Path
    request: Mapping[str, Any]
    module_folder: Path = WORKER_MODULES
    preloads: bool = False
    """Whether more calls are likely, and what the script imports is worth keeping for them."""


@dataclass(frozen=True)
class NetworkOptions:
    """What a network is built with beside its name; nothing is said where the framework's own holds."""

    classes: int | None = None
    """The number of its logits."""
    input_size: tuple[int, int, int] | None = None
    """Channels, height and width of the pictures that it takes."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further keywords of the framework's constructor, of what JSON can say."""
    trusted_code: tuple[Path, ...] | None = None
    """The files of the user's that may be read as the model, and run where they are code; None where they are
    code and nobody has said that any may."""
    output: str | int | None = None
    """The name or the position, from 0, of the output that holds the scores, where there are several."""
    batch: int | None = None
    """The number of pictures that all files of it take at a time; None where it is open, or differs."""


AS_IT_IS = NetworkOptions()
"""The network as the framework builds it by its name."""


def _options_of(source: Source, options: NetworkOptions) -> dict[str, Any]:
    """``options`` as a request has them."""
    return {
        "classes": options.classes,
        "input_size": list(options.input_size) if options.input_size else None,
        "arguments": dict(options.arguments),
        "trusted_code": None if options.trusted_code is None else list(map(str, options.trusted_code)),
        "output": options.output,
        "batch": options.batch,
        "keywords": dict(source.keywords),
    }


def catalogue_call(source: Source) -> WorkerCall:
    """The call that lists every classifier of the framework with its family and its preprocessing.

    It is the health check of a new environment, as it imports all that an export needs, and the first half of
    ``catalogue.json``, by which models are known without an environment.
    """
    return WorkerCall(source.script, {"task": "catalogue"})


def details_call(source: Source, models: Sequence[str]) -> WorkerCall:
    """The call that builds ``models``, names of the framework, without weights, and tells their sizes.

    Also whether the framework offers weights for them. It is the second half of ``catalogue.json``.
    """
    request = {"task": "details", "models": list(models)}
    return WorkerCall(source.script, request, preloads=source.preloads)


def preprocessing_call(source: Source, model: str, options: NetworkOptions) -> WorkerCall:
    """The call that tells how ``model``, a config of the user's, wants its pictures."""
    return WorkerCall(
        source.script,
        {"task": "preprocessing", "model": model, "options": _options_of(source, options)},
        preloads=source.preloads,
    )


def outputs_call(
    source: Source,
    *,
    model: str,
    options: NetworkOptions = AS_IT_IS,
    weights: Mapping[str, Any],
    inputs: Path,
    pictures: Path,
    output_folder: Path,
) -> WorkerCall:
    """The call that computes what ``model`` answers to ``pictures``, in the form of the reference outputs.

    ``model``, ``options``, ``weights`` and ``inputs`` are those of :func:`export_call`: random weights depend
    on the inputs. ``pictures`` is an .npz file of float32 arrays (N, C, H, W). ``output_folder`` receives
    ``outputs.npz``.
    """
    return WorkerCall(
        source.script,
        {
            "task": "outputs",
            "model": model,
            "options": _options_of(source, options),
            "weights": dict(weights),
            "inputs": str(inputs),
            "pictures": str(pictures),
            "output_folder": str(output_folder),
        },
        preloads=source.preloads,
    )


def tracing(call: WorkerCall) -> WorkerCall:
    """``call``, of :func:`outputs_call`, that writes what each layer answers with on the way to the output.

    Its ``pictures`` hold one array. Its ``output_folder`` receives a ``.npy`` file for each layer.
    """
    return replace(call, request={**call.request, "task": "trace"})


def export_call(
    source: Source,
    *,
    model: str,
    options: NetworkOptions = AS_IT_IS,
    weights: Mapping[str, Any],
    reparameterise: bool = False,
    inputs: Path,
    output_folder: Path,
    opset: int,
) -> WorkerCall:
    """The call that exports ``model`` and computes its reference outputs.

    ``options`` are what it is built with. ``weights`` is ``{"kind": "random", "seed": 0}``,
    ``{"kind": "pretrained"}`` or ``{"kind": "file", "path": "/absolute/file"}``, for a source that reads
    entries also with ``entry`` and ``shards``. With ``reparameterise`` the file holds the form for inference
    of a model that has one, and the reference outputs come from its form for training.
    ``inputs`` is an .npz file of float32 arrays of shape (N, C, H, W), one per data set. ``opset`` is
    the opset to ask the exporter for; it may answer with a higher one. ``output_folder`` receives
    ``model.onnx`` and ``outputs.npz``.
    """
    return WorkerCall(
        source.script,
        {
            "task": "export",
            "model": model,
            "options": _options_of(source, options),
            "weights": dict(weights),
            "reparameterise": reparameterise,
            "inputs": str(inputs),
            "output_folder": str(output_folder),
            "opset": opset,
        },
        preloads=source.preloads,
    )


def latency_call(
    source: Source,
    *,
    model: str,
    options: NetworkOptions = AS_IT_IS,
    weights: Mapping[str, Any],
    reparameterise: bool,
    inputs: Path,
    conversation: Mapping[str, Any],
) -> WorkerCall:
    """The call that times ``model`` in its framework, in turns.

    ``model``, ``options``, ``weights`` and ``reparameterise`` are those of :func:`export_call`. ``inputs`` is
    an .npz file with a float32 (N, C, H, W) array for each batch, under its size. ``conversation`` has the
    other keys of the task ``latency`` in ``worker/protocol.py``, by which the script and whoever measures it
    agree.
    """
    request = {
        "task": "latency",
        "model": model,
        "options": _options_of(source, options),
        "weights": dict(weights),
        "reparameterise": reparameterise,
        "inputs": str(inputs),
    }
    return WorkerCall(source.script, {**request, **conversation})
