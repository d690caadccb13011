"""What is published with a model: where it came from, what it was compared with, what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.labels import imagenet_labels, top
from pipeline.planning.jobs import ModelJob, NamedModel, Unit
from pipeline.stages.export import Export
from pipeline.stages.parity import Verification
from pipeline.stages.retarget import license_of
from publishing.archive import DataSet
from publishing.record import Description


def data_sets_of(export: Export) -> list[DataSet]:
    """The test data of an archive: each fixed input with the source framework's own output."""
    inputs, references = export.input_arrays(), export.references()
    return [DataSet([array], [references[name]]) for name, array in inputs.items()]


def description_of(
    job: ModelJob,
    unit: Unit,
    export: Export,
    retargeted: Mapping[str, Any],
    verification: Verification,
    figures: Mapping[str, Any],
) -> Description:
    """Everything about a unit that its files do not say themselves.

    ``retargeted`` has the lines of ``rewrites`` and ``bounds`` that :mod:`opsets` reports, ``figures``
    what :func:`pipeline.stages.comparison.figures_of` found in the unit's own file.
    """
    inputs, references = export.input_arrays(), export.references()
    return Description(
        name=unit.name,
        source=job.source.name,
        framework=job.source.title,
        family=export.family,
        model=job.published_name,
        license=license_of(job),
        author=job.entry.author or "",
        key=unit.key,
        provenance=_provenance(job, export),
        preprocessing=export.preprocessing,
        inputs=[
            {
                "name": name,
                "shape": list(array.shape),
                "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
            }
            for name, array in inputs.items()
        ],
        verdict=_verdict(verification),
        predictions=_predictions(export, references, verification),
        rewrites=retargeted["rewrites"],
        bounds=retargeted["bounds"],
        figures=figures,
    )


def _provenance(job: ModelJob, export: Export) -> dict[str, Any]:
    answer, packages = export.answer, dict(export.environment.packages)
    return {
        "model": job.model.name if isinstance(job.model, NamedModel) else job.published_name,
        "exporter": answer["exporter"],
        "native_opset": answer["opset"],
        "parameters": answer["parameters"],
        "form": _form(answer),
        "weights": {
            "origin": export.origin,
            "sha256": export.weights.sha256 or answer["weights"]["sha256"],
            "tensors": answer["weights"]["tensors"],
        },
        "python": packages.pop("python"),
        "packages": packages,
        "environment": export.environment.description.identity,
    }


def _form(answer: Mapping[str, Any]) -> str:
    """Which form of a network was published, and which one the reference outputs come from."""
    if "reparameterised" not in answer:
        return "as the framework builds it"
    return (
        f"re-parameterised: {answer['reparameterised']} blocks fused; the reference is the form for "
        f"training, with {answer['training_parameters']} parameters"
    )


def _verdict(verification: Verification) -> dict[str, Any]:
    """Every figure of the verdict but the times: they differ from run to run, and a record must not."""
    verdict = verification.verdict.to_dict()
    for runtime in verdict["runtimes"].values():
        del runtime["seconds"]
    return verdict


def _predictions(
    export: Export,
    references: dict[str, Any],
    verification: Verification,
) -> list[dict[str, Any]]:
    """The five best classes of every picture: by the source framework, and by each runtime that agrees."""
    if not export.pictures:
        return []
    data_set = f"pictures-{len(export.pictures)}"
    logits = {"source": references[data_set]}
    logits |= {
        name: verification.runs[name].outputs[data_set]
        for name, runtime in verification.verdict.runtimes.items()
        if runtime.agrees
    }
    classes = references[data_set].shape[1]
    best = {who: top(values, 5, imagenet_labels(classes)) for who, values in logits.items()}
    return [
        {
            "picture": picture,
            "thumbnail": path,
            "thumbnail_sha256": hashlib.sha256(small).hexdigest(),
            **{who: [asdict(prediction) for prediction in rows[index]] for who, rows in best.items()},
        }
        for index, ((picture, _), (path, small)) in enumerate(
            zip(export.pictures, export.thumbnails, strict=True)
        )
    ]
