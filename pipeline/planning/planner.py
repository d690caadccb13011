"""From a checked pipeline file to a plan: its models found, its units named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from converters.interface import Source
from pipeline.config.batches import OPEN
from pipeline.config.documents import Document, FiguresFile
from pipeline.config.mistakes import check_entries, check_figures, is_folder, is_glob, source_named
from pipeline.config.reader import read_pipeline_file
from pipeline.config.schema import ModelEntry, PipelineFile
from pipeline.config.yaml_lines import LinedDocument, Location
from pipeline.errors import UsageError
from pipeline.planning import keys
from pipeline.planning.jobs import (
    SIMPLIFIED,
    Catalogue,
    FolderModel,
    ModelJob,
    NamedModel,
    Plan,
    Unit,
    Version,
    batch_variant,
    model_in_wheel,
)
from pipeline.planning.selection import Selection
from publishing.errors import PublishError
from publishing.stores import is_url, open_store
from publishing.zoo import PublishedUnit, Zoo

CatalogueOf = Callable[[Source, bool], Catalogue | None]
"""Answers with the models of a source. Where its environment has not been built, it is built if the
second argument asks for it. The answer is None where it is not there, or cannot be built."""


@dataclass(frozen=True)
class _Wanted:
    """A model that the file names, before its units are known."""

    source: Source
    model: NamedModel | FolderModel
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
    check_entries(file, document)
    return CheckedFile(file, document, check_figures(file, document))


def make_plan(checked: CheckedFile, selection: Selection, catalogue_of: CatalogueOf) -> Plan:
    """Resolve a checked file; no published file is read but records and lists, and no unit is done yet.

    Raises UsageError for unknown models, duplicates, empty selections.
    """
    file, document, figures = checked.file, checked.document, checked.figures
    folder = document.path.parent.absolute()
    unresolved: list[tuple[str, Source]] = []
    wanted = list(_wanted(file, document, selection, catalogue_of, unresolved))
    _refuse_duplicates(wanted, document)
    work = _without_dots(folder / file.work)
    zoo = zoo_at(selection.publish or file.publish, Path() if selection.publish else folder, work)
    published, listed = _published(zoo)
    jobs = []
    for model in wanted:
        wanted_versions = versions_of(model.entry, file.opsets)
        versions = [version for version in wanted_versions if selection.takes(model.name, version)]
        if versions:
            documents = figures.of(model.name) if figures else ()
            whole = len(versions) == len(wanted_versions)
            jobs.append(_job(model, versions, document, documents, whole))
    if not jobs and not unresolved:
        raise UsageError(_nothing_selected(wanted, file, selection))
    return Plan(folder, zoo, published, listed, work, selection.fresh, tuple(jobs), tuple(unresolved))


def zoo_at(place: str, folder: Path, scratch: Path | None = None) -> Zoo:
    """The zoo at ``place``: a URL, or a folder relative to ``folder``. Raises UsageError."""
    try:
        return Zoo(
            open_store(place if is_url(place) else _without_dots((folder / place).absolute()), scratch)
        )
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


def _wanted(
    file: PipelineFile,
    document: LinedDocument,
    selection: Selection,
    catalogue_of: CatalogueOf,
    unresolved: list[tuple[str, Source]],
) -> Iterator[_Wanted]:
    """The models that the file names; globs whose source cannot be asked go to ``unresolved``."""
    mistakes, folder = [], document.path.parent.absolute()
    for index, entry in enumerate(file.models):
        source = source_named(entry.source)
        location: Location = ("models", index, "model" if entry.model else "models")
        if entry.wheel_folder:
            yield _Wanted(source, model_in_wheel(entry.wheel_folder), str(entry.name), entry, location)
        for pattern in entry.patterns:
            if is_folder(pattern):
                place = FolderModel((folder / pattern).resolve())
                yield _Wanted(source, place, str(entry.name), entry, location)
                continue
            needed = is_glob(pattern) and selection.may_take(source.name)
            catalogue = catalogue_of(source, needed)
            if needed and catalogue is None:
                unresolved.append((f"{source.name}/{pattern}", source))
            try:
                names = _expand(pattern, source, catalogue)
            except UsageError as error:
                mistakes.append(str(document.error(location, str(error))))
                continue
            for name in names:
                yield _Wanted(source, NamedModel(name), entry.name or name, entry, location)
    if mistakes:
        raise UsageError(*mistakes)


def _expand(pattern: str, source: Source, catalogue: Catalogue | None) -> list[str]:
    """The models of ``source`` that ``pattern`` names; unchecked where they are not known yet."""
    if catalogue is None:
        return [] if is_glob(pattern) else [pattern]
    if is_glob(pattern):
        matches = [name for name in catalogue if fnmatchcase(name, pattern)]
        if not matches:
            raise UsageError(f"no model of {source.name} fits {pattern!r}. {_how_to_list(source)}")
        return matches
    _require_model(pattern, source, catalogue)
    return [pattern]


def _require_model(name: str, source: Source, catalogue: Catalogue) -> None:
    if name not in catalogue:
        near = get_close_matches(name, catalogue, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise UsageError(f"{source.name} has no model {name!r}.{hint} {_how_to_list(source)}")


def check_names(jobs: Iterable[ModelJob], catalogue_of: CatalogueOf) -> None:
    """Check the names of models once the environments are there. Raises UsageError with all mistakes."""
    mistakes: dict[str, None] = {}
    for job in jobs:
        catalogue = catalogue_of(job.source, False)
        if catalogue is None or not isinstance(job.model, NamedModel):
            continue
        try:
            _require_model(job.model.name, job.source, catalogue)
        except UsageError as error:
            mistakes[f"{job.model_at}: {error}"] = None
    if mistakes:
        raise UsageError("\n".join(mistakes))


def _how_to_list(source: Source) -> str:
    return f"`python -m pipeline models {source.name}` lists them."


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
    document: LinedDocument,
    documents: tuple[Document, ...],
    whole: bool,
) -> ModelJob:
    entry, folder = model.entry, document.path.parent.absolute()
    inputs = keys.inputs_key(model.source, model.model, entry, folder)
    export = keys.export_key(inputs, entry, folder)
    reduced = any(version.is_reduced for version in versions)
    pictures = keys.gate_pictures_identity(entry, folder) if reduced else None  # it reads all of them
    units = []
    for version in versions:
        name = f"{model.name}@{version}"
        native = keys.form_key(export, version)
        graph = retarget = keys.retarget_key(native, entry, version.opset)
        if version.is_reduced:
            graph = keys.reduced_key(retarget, entry, version.variant, pictures)
        key = keys.unit_key(graph, entry, name, version.opset, documents)
        units.append(Unit(name, version, retarget, graph, key))
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
        inputs,
        export,
        tuple(units),
        documents,
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
