"""From a checked pipeline file to a plan: its models found, its units named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.interface import Source
from pipeline.config.code_files import files_of_code, split_function
from pipeline.config.documents import Document, FiguresFile
from pipeline.config.labels import labels_of_entry
from pipeline.config.mistakes import check_entries, check_figures, is_folder, source_named
from pipeline.config.mmcls_config import chain_of
from pipeline.config.onnx_files import with_input_sizes
from pipeline.config.own_weights import without_default_weights
from pipeline.config.paddleclas_config import with_configs
from pipeline.config.reader import read_pipeline_file
from pipeline.config.schema import ModelEntry, PipelineFile
from pipeline.config.versions import OPEN
from pipeline.config.yaml_lines import LinedDocument, Location
from pipeline.errors import UsageError
from pipeline.planning import keys
from pipeline.planning.identities import gate_pictures_identity
from pipeline.planning.jobs import (
    SIMPLIFIED,
    AnyModel,
    FileModel,
    FolderModel,
    ModelJob,
    NamedModel,
    Plan,
    Unit,
    Version,
    batch_variant,
    family_of,
    model_in_wheel,
)
from pipeline.planning.names import listed_model, names_fitting
from pipeline.planning.own_models import CodeModel, ConfigModel
from pipeline.planning.selection import Selection
from pipeline.system.files import cache_folder, digest_of
from publishing.errors import PublishError
from publishing.stores import is_url, open_store
from publishing.stores.known import Known
from publishing.zoo import PublishedUnit, Zoo


@dataclass(frozen=True)
class _Wanted:
    """A model that the file names, before its units are known."""

    source: Source
    model: AnyModel
    published: str
    entry: ModelEntry
    location: Location

    @property
    def name(self) -> str:
        return f"{self.source.name}/{self.published}"


@dataclass(frozen=True)
class CheckedFile:
    """A pipeline file in which all is right that can be checked without a framework."""

    file: PipelineFile
    document: LinedDocument
    figures: FiguresFile | None
    """What documents say of its models, where it names a file of figures."""


def read_checked(path: Path) -> CheckedFile:
    """Read a pipeline file, and the file of figures that it names. Raises UsageError with all mistakes."""
    file, document = read_pipeline_file(path)
    file = with_input_sizes(without_default_weights(with_configs(file, document), document), document)
    check_entries(file, document)
    return CheckedFile(file, document, check_figures(file, document))


def make_plan(checked: CheckedFile, selection: Selection) -> Plan:
    """Resolve a checked file; no published file is read but records and lists, and no unit is done yet.

    Raises UsageError for unknown models, duplicates, empty selections.
    """
    file, document, figures = checked.file, checked.document, checked.figures
    folder = document.path.parent.absolute()
    wanted = list(_wanted(file, document))
    _refuse_duplicates(wanted, document)
    work = _without_dots(folder / file.work)
    zoo = zoo_at(
        selection.publish or file.publish,
        Path() if selection.publish else folder,
        work,
        fresh=selection.fresh,
    )
    published, listed = _published(zoo)
    jobs = []
    for model in wanted:
        wanted_versions = versions_of(model.entry, file.opsets)
        versions = [version for version in wanted_versions if selection.takes(model.name, version)]
        if versions:
            documents = figures.of(model.name) if figures else ()
            whole = len(versions) == len(wanted_versions)
            native = keys.native_opset(wanted_versions)
            job = _job(model, versions, native, document, documents, whole)
            jobs.append(replace(job, trust_code=selection.trust_code))
    if not jobs:
        raise UsageError(_nothing_selected(wanted, file, selection))
    return Plan(folder, zoo, published, listed, work, selection.fresh, tuple(jobs))


def zoo_at(place: str, folder: Path, scratch: Path | None = None, *, fresh: bool = False) -> Zoo:
    """The zoo at ``place``: a URL, or a folder relative to ``folder``. Raises UsageError.

    ``fresh`` is for who takes nothing to be as it was found before.
    """
    whole = place if is_url(place) else _without_dots((folder / place).absolute())
    known = Known(None if fresh else cache_folder() / "zoos" / f"{digest_of(str(whole))[:16]}.jsonl")
    try:
        return Zoo(open_store(whole, scratch, known), known)
    except PublishError as error:
        raise UsageError(str(error)) from error


def _published(zoo: Zoo) -> tuple[Mapping[str, PublishedUnit], Mapping[str, str]]:
    """What is published, and the digests that are announced."""
    try:
        stamps = zoo.store.stamps()
        zoo.require_ours(stamps)
        return zoo.units(stamps), zoo.listed()
    except PublishError as error:
        raise UsageError(str(error)) from error


def _without_dots(path: Path) -> Path:
    """``path`` without ``..``, for messages."""
    return Path(os.path.normpath(path))


def _wanted(file: PipelineFile, document: LinedDocument) -> Iterator[_Wanted]:
    """The models that the file names. Raises UsageError with all names that are none."""
    mistakes, folder = [], document.path.parent.absolute()
    for index, entry in enumerate(file.models):
        source = source_named(entry.source)
        location: Location = ("models", index, "model" if entry.model else "models")
        if entry.wheel_folder:
            yield _Wanted(source, model_in_wheel(entry.wheel_folder), str(entry.name), entry, location)
        for pattern in entry.patterns:
            if is_folder(pattern):
                place = _model_at(pattern, source, folder)
                yield _Wanted(source, place, str(entry.name), entry, location)
                continue
            try:
                names = names_fitting(pattern, source)
            except UsageError as error:
                mistakes.append(str(document.error(location, str(error))))
                continue
            for name in names:
                yield _Wanted(source, NamedModel(name), entry.name or name, entry, location)
    if mistakes:
        raise UsageError(*mistakes)


def _model_at(pattern: str, source: Source, folder: Path) -> AnyModel:
    """The model whose path, relative to ``folder``, is ``pattern``."""
    if source.reads_code:
        file, function = split_function(pattern)
        return CodeModel(files_of_code((folder / file).resolve()), function)
    path = (folder / pattern).resolve()
    if source.reads_configs:
        chain = chain_of(path)
        return ConfigModel(chain.files, chain.packaged, chain.label_files)
    return FileModel(path) if source.reads_onnx_files else FolderModel(path)


def _refuse_duplicates(wanted: Sequence[_Wanted], document: LinedDocument) -> None:
    first: dict[str, _Wanted] = {}
    for model in wanted:
        earlier = first.setdefault(model.name.lower(), model)
        if earlier is not model:
            line = document.line_of(earlier.location)
            raise document.error(
                model.location,
                f"{model.name} is already asked for in line {line}. Remove one, or give it another name.",
            )


def versions_of(entry: ModelEntry, opsets: Sequence[int]) -> list[Version]:
    """What an entry asks for, by opsets; ``opsets`` are those of the file, for an entry without its own."""
    own = tuple(entry.opsets or opsets)
    wanted = {"" if name == "fp32" else name: some or own for name, some in entry.precisions.items()}
    if entry.simplify:
        wanted[SIMPLIFIED] = wanted.get("", own)
    wanted |= {batch_variant(batch): wanted[""] for batch in entry.fixed_batches}
    if OPEN not in entry.batches:
        del wanted[""]
    versions = [Version(opset, variant) for variant, some in wanted.items() for opset in some]
    return sorted(versions, key=lambda version: version.opset)


def _job(
    model: _Wanted,
    versions: Sequence[Version],
    native: int,
    document: LinedDocument,
    documents: tuple[Document, ...],
    whole: bool,
) -> ModelJob:
    entry, folder = model.entry, document.path.parent.absolute()
    listed, labels = listed_model(model.source, model.model), labels_of_entry(entry, folder)
    family = family_of(entry, listed, model.published)
    inputs = keys.inputs_key(model.source, model.model, entry, folder, listed)
    export = keys.export_key(inputs, entry, folder, native)
    base = keys.embedded_key(export, entry)
    reduced = any(version.is_reduced for version in versions)
    pictures = gate_pictures_identity(entry, folder) if reduced else None  # it reads all of them
    units = []
    for version in versions:
        name = f"{model.name}@{version}"
        form = keys.form_key(base, version)
        graph = retarget = keys.retarget_key(form, entry, version.opset, labels)
        if version.is_reduced:
            graph = keys.reduced_key(retarget, entry, version.variant, pictures)
        key = keys.unit_key(graph, entry, name, family, version.opset, documents)
        units.append(Unit(name, version, retarget, graph, key, key.made_of))
    model_at, weights_at, images_at = (
        f"{document.path}:{document.line_of(place)}"
        for place in (model.location, (*model.location[:2], "weights"), (*model.location[:2], "images"))
    )
    return ModelJob(
        model.source,
        model.model,
        model.name,
        entry,
        model_at,
        weights_at,
        images_at,
        native,
        inputs,
        export,
        base,
        tuple(units),
        documents,
        listed,
        labels,
        whole,
    )


def _nothing_selected(wanted: Sequence[_Wanted], file: PipelineFile, selection: Selection) -> str:
    names = [f"{w.name}@{version}" for w in wanted for version in versions_of(w.entry, file.opsets)]
    shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
    options = " and ".join(
        part
        for part in (
            f"--only {' '.join(selection.only)}" if selection.only else "",
            f"--opset {','.join(map(str, selection.opsets))}" if selection.opsets else "",
        )
        if part
    )
    return f"{options} selects nothing. The file has {len(names)} units: {shown}"
