"""The stage that publishes a unit which computes the same, with where it came from, or says why not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evaluation.labels import imagenet_labels, top
from parity.compare import Array
from pipeline.planning.jobs import ModelJob, NamedModel, Unit
from pipeline.planning.own_models import OwnModel
from pipeline.results import Result
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.stages.parity import Verification
from pipeline.stages.retarget import license_of
from pipeline.stages.work_folder import digest_as_made
from pipeline.system.files import sha256_of_file
from publishing.archive import DataSet
from publishing.record import AS_IT_CAME, Description

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Candidate:
    """A unit whose file is made, and not verified yet."""

    unit: Unit
    folder: Path
    graph: onnx.ModelProto
    """The file without its weights."""
    retargeted: dict[str, Any]
    """What was rewritten, and the bounds of what is not exact."""
    figures: dict[str, Any]
    """What is counted in the file, beside what documents say of the model."""
    seconds: float
    reduction: dict[str, Any] = field(default_factory=dict)
    """How it was made and what the gate measured, where it is in a lower precision."""
    outputs: Mapping[str, Array] | None = None
    """What its test data expects, where that is not what the source framework computes."""

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"


def publish_candidate(
    run: ModelRun, candidate: Candidate, export: Export, verification: Verification, *, last: bool = False
) -> Result:
    """Publish a unit where its verdict is good; how it ended. Raises PublishError.

    With ``last``, nothing else is made of its file.
    """
    from publishing.units import Material, publish

    unit = candidate.unit
    if not verification.passed:
        return _refused(candidate, verification)
    with run.stage(StageKind.PUBLISH, [unit.version]):
        description = description_of(run.job, candidate, export, verification)
        pictures = dict(export.thumbnails)
        data_sets = data_sets_of(candidate, export)
        sha256 = digest_as_made(candidate.folder, candidate.model.name)
        material = Material(candidate.model, candidate.graph, data_sets, pictures, run.weights, sha256, last)
        publish(run.plan.zoo, material, description)
    return Result(
        unit.name,
        "published",
        verification.largest_error,
        verification.runtimes,
        reason=_reservations(verification),
    )


def _reservations(verification: Verification) -> str:
    """What there is to say of a unit that is published; empty where all who were asked agree."""
    dissent, missing = verification.verdict.dissent, verification.verdict.missing
    reservations = [f"a second opinion differs: {dissent}"] if dissent else []
    reservations += [f"a second opinion could not be had (--fresh asks again): {missing}"] if missing else []
    return f"published, but {'; '.join(reservations)}" if reservations else ""


def _refused(candidate: Candidate, verification: Verification) -> Result:
    """The result of a unit whose verdict is bad; its files stay for a look."""
    verdict = verification.verdict
    inconclusive = verdict.status == "inconclusive"
    return Result(
        candidate.unit.name,
        "inconclusive" if inconclusive else "failed",
        verification.largest_error,
        verification.runtimes,
        reason=f"{verdict.reason}. Not published; its files are in {candidate.folder}",
        stage=StageKind.PARITY.value,
        cause="nobody can tell" if inconclusive else "another result",
    )


def data_sets_of(candidate: Candidate, export: Export) -> list[DataSet]:
    """The test data of an archive: each fixed input with the source framework's own output.

    In a lower precision, with what exact arithmetic makes of the file.
    """
    from publishing.graph_facts import facts_of

    inputs, references = _inputs_of(candidate, export), candidate.outputs or export.references()
    output = facts_of(candidate.graph).outputs[0].numpy_type
    return [DataSet([array], [references[name].astype(output)]) for name, array in inputs.items()]


def _inputs_of(candidate: Candidate, export: Export) -> dict[str, npt.NDArray[Any]]:
    """The fixed inputs in the type in which the file takes them: float32, or float16."""
    from publishing.graph_facts import facts_of

    wanted = facts_of(candidate.graph).inputs[0].numpy_type
    return {name: array.astype(wanted) for name, array in export.input_arrays().items()}


def description_of(
    job: ModelJob, candidate: Candidate, export: Export, verification: Verification
) -> Description:
    """Everything about a unit that its files do not say themselves."""
    inputs, references = _inputs_of(candidate, export), export.references()
    labels = export.labels
    return Description(
        name=candidate.unit.name,
        source=job.source.name,
        framework=job.source.title,
        family=job.family,
        model=job.published_name,
        license=license_of(job),
        author=job.entry.author or "",
        key=candidate.unit.key,
        made_of=candidate.unit.made_of,
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
        labels=asdict(labels) | {"names": list(labels.names)} if labels else {},
        rewrites=candidate.retargeted["rewrites"],
        bounds=candidate.retargeted["bounds"],
        reduction=reduction_of(candidate, references),
        figures=candidate.figures,
    )


def reduction_of(candidate: Candidate, references: Mapping[str, Array]) -> dict[str, Any]:
    """How a file in a lower precision was made, and how far it is from the source framework's own logits.

    ``references`` are those, float32 (N, classes) per data set. Empty for a file in float32.
    """
    if candidate.outputs is None:
        return {}
    source = {}
    for name, expected in references.items():
        exact = candidate.outputs[name].reshape(expected.shape)
        best = expected.argmax(axis=1)
        source[name] = {
            "classes": best.tolist(),
            "logits": _rounded(expected),
            "logits here": _rounded(exact),
            "same most probable class": float((exact.argmax(axis=1) == best).mean()),
        }
    return candidate.reduction | {"source framework": source}


def _rounded(logits: Array) -> list[list[float]]:
    """Rows of six digits, which is what float32 surely holds."""
    return [[float(f"{value:.6g}") for value in row] for row in logits]


def _provenance(job: ModelJob, export: Export) -> dict[str, Any]:
    answer, packages = export.answer, dict(export.environment.packages)
    return {
        "model": job.model.name if isinstance(job.model, NamedModel) else job.published_name,
        "exporter": answer["exporter"],
        "native_opset": answer["opset"],
        "parameters": answer["parameters"],
        "head": answer["head"],
        "arguments": dict(job.entry.arguments),
        "form": _form(answer),
        **({"output": answer["output"]} if "output" in answer else {}),
        **_code_of(job, answer),
        **({"embedded": dict(export.embedded)} if export.embedded else {}),
        "weights": {
            "origin": export.origin,
            "sha256": export.weights.sha256 or answer["weights"]["sha256"],
            "tensors": answer["weights"]["tensors"],
            **_of_a_file(export),
        },
        "python": packages.pop("python"),
        "packages": packages,
        "environment": export.environment.description.identity,
        **({"requirements": export.environment.added} if export.environment.added else {}),
    }


def _of_a_file(export: Export) -> dict[str, Any]:
    """What was taken of a checkpoint, where its source says so, and the digests of its shards."""
    said = {"file": export.answer["weights"]["file"]} if "file" in export.answer["weights"] else {}
    return said | ({"shards": dict(export.weights.shards)} if export.weights.shards else {})


def _code_of(job: ModelJob, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The digests of the user's files that describe the network, and of those that they are based on."""
    if not isinstance(job.model, OwnModel):
        return {}
    own = dict(zip(job.model.names, map(sha256_of_file, job.model.files), strict=True))
    return {"code": own | answer.get("packaged_code", {})}


def _form(answer: Mapping[str, Any]) -> str:
    """Which form of a network was published, and which one the reference outputs come from."""
    if answer.get("as_it_came"):
        return AS_IT_CAME
    if "reparameterised" not in answer:
        return str(answer.get("form", "as the framework builds it"))
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
    places = export.picture_places()
    answers: dict[str, Mapping[str, Array]] = {"source": references}
    answers |= {
        name: verification.runs[name].outputs
        for name, runtime in verification.verdict.runtimes.items()
        if runtime.agrees
    }
    logits = {who: np.stack([outputs[name][row] for name, row in places]) for who, outputs in answers.items()}
    classes = logits["source"].shape[1]
    names = export.labels.names if export.labels else imagenet_labels(classes)
    sure = "softmax" in export.embedded
    best = {who: top(values, 5, names, distributions=sure) for who, values in logits.items()}
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
