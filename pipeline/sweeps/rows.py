"""One model of a sweep: run as any other, noted in the ledger, and taken away again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from converters.interface import Source
from pipeline.environments import building
from pipeline.results import DISK, Result
from pipeline.stages.model_run import ModelRun, StageKind
from pipeline.workers.runtimes import without_log
from publishing import __version__
from publishing.coverage import PUBLISHED, STAGES, Row

BUILD = "build"
_OF_THE_NETWORK = ("model", "weights")
"""The kinds of failures with which an export script says that there is no network to export."""


def rows_of(run: ModelRun, results: Sequence[Result]) -> Iterator[Row]:
    """What the ledger says of the units of ``run``; nothing of those about which nothing was found out."""
    seconds, peaks, versions = run.times.seconds(), run.times.peaks(), _versions(run)
    opsets = {unit.name: unit.opset for unit in run.job.units}
    listed = run.job.listed
    for result in results:
        if result.status == "interrupted" or result.cause == DISK:
            continue
        yield Row(
            model=run.job.name,
            opset=opsets[result.unit],
            stage=PUBLISHED if result.good else _stage(result),
            cause="" if result.good else result.cause,
            reason="" if result.good else _published_reason(run, result.reason),
            family=run.job.family,
            parameters=listed.parameters if listed else None,
            error=result.error,
            runtimes=result.runtimes,
            seconds=seconds,
            peak_memory=peaks,
            versions=versions,
        )


def _published_reason(run: ModelRun, reason: str) -> str:
    """The first line of ``reason`` without the files of this machine: ledgers are for others, too."""
    first = without_log(reason.split("\n", maxsplit=1)[0]).partition(". Not published")[0]
    return first.replace(f"{run.work}/", "").replace(str(run.work), "the work folder")


def _stage(result: Result) -> str:
    if result.stage in (StageKind.EXPORT.value, StageKind.INPUTS.value):
        return BUILD if result.cause in _OF_THE_NETWORK else StageKind.EXPORT.value
    return result.stage if result.stage in STAGES else StageKind.EXPORT.value


def _versions(run: ModelRun) -> Mapping[str, str]:
    """Of what decides about a row: the pipeline, the runtimes, and what the source's environment asks for."""
    environment = building.existing(run.job.source)
    installed = environment.packages if environment else {}
    wanted = {name: installed[name] for name in _asked_for(run.job.source) if name in installed}
    return {**own_versions(), **wanted}


def own_versions() -> Mapping[str, str]:
    """Of the pipeline and of what decides in it."""
    return {"pipeline": __version__, **{name: version(name) for name in ("onnx", "onnxruntime", "openvino")}}


def _asked_for(source: Source) -> list[str]:
    """The packages that the environment of ``source`` is made for; the others are what these need."""
    lines = (source.folder / "requirements.in").read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line]


def take_away(run: ModelRun) -> None:
    """Remove what was published and made of a model: a sweep keeps its rows alone."""
    folder = run.plan.publish_folder
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(run.work, ignore_errors=True)
