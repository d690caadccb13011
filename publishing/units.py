"""Putting a unit into a zoo, and taking one out again.

A unit counts as published when its record is there and its files are what the record says, so the
record is written last. What the zoo announces, lists and pages, is :mod:`publishing.announcement`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from publishing import benchmarks
from publishing.accuracies import kept_accuracies
from publishing.announcement import announce_nothing, withhold
from publishing.archive import SUFFIX, DataSet, write_archive
from publishing.benchmarks import Benchmark
from publishing.deflated import DeflatedWeights
from publishing.errors import PublishError
from publishing.graph_facts import GraphFacts, facts_of
from publishing.record import KINDS, RECORD_SUFFIX, Description, PublishedFile, Record, check, to_json
from publishing.stores.interface import Content, content_of
from publishing.trust.provenance import statement
from publishing.trust.sbom import bill_of_materials
from publishing.zoo import PublishedUnit, Zoo

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Material:
    """What a unit is published from."""

    model_file: Path
    model: onnx.ModelProto
    """That of ``model_file``; it need not hold the weights, which are streamed from the file."""
    data_sets: Sequence[DataSet]
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """The thumbnails that the description names, by their paths in the zoo."""
    weights: DeflatedWeights | None = None
    """What was deflated for files of the same model, where others are published too."""
    sha256: str | None = None
    """The digest of ``model_file`` in hex, where it is known."""
    given: bool = False
    """Whether nobody needs ``model_file`` any more: it is taken then, where that spares a copy."""


def publish(zoo: Zoo, material: Material, description: Description) -> Record:
    """Publish a model file with archive, bill of materials, provenance and record; the record.

    An older publication of the same unit is replaced, and is announced no more until the new one is.
    Parallel calls, in other processes too, lose nothing.

    Raises:
        PublishError: the verdict is not ``passed``, the name or the model is not fit, or the store cannot
            be written; what was published before is unharmed.
    """
    name, facts = check(description), facts_of(material.model)
    if facts.opset != name.opset:
        raise PublishError(f"{description.name}: the file is of opset {facts.opset}; convert it first")
    with zoo.store.staging() as staging:
        contents = _contents(material, description, staging)
        place = f"{description.folder}/{description.stem}{RECORD_SUFFIX}"
        older = zoo.snapshot(place).units.get(description.name)
        kept = kept_accuracies(older.record if older else None, contents[f"{description.stem}.onnx"].sha256)
        record = replace(_record(description, facts, contents), accuracy=kept)
        files = {f"{description.folder}/{path}": content for path, content in contents.items()}
        files |= {path: content_of(data) for path, data in material.pictures.items()}
        files[place] = content_of(to_json(record).encode())
        _replace(zoo, description.name, files, place)
        zoo.written[place] = files[place].sha256
    return record


def _refuse_like_named(name: str, spellings: Mapping[str, str]) -> None:
    """Case is no matter to many file systems, nor to the hub's client: such names are the same to them."""
    model = name.partition("@")[0]
    published = spellings.get(model.lower(), name)
    if published.partition("@")[0] != model:
        raise PublishError(
            f"{name}: {published} is published already, and its name differs in case alone; "
            "give one of them another name, with name: in the pipeline file"
        )


def _replace(zoo: Zoo, name: str, files: Mapping[str, Content], record: str) -> None:
    """Write the files of a unit, in the place of those of an older publication where there is one.

    The record at the path ``record`` is the last of what is written, and of what is removed.
    """
    snapshot = zoo.snapshot(record)
    if not snapshot.stamps:
        announce_nothing(zoo)
        snapshot = zoo.list_again()
    _refuse_like_named(name, snapshot.spellings)
    older = snapshot.units.get(name)
    digests = older.digests if older else {}
    new = {path: file for path, file in files.items() if not zoo.holds(path, file, digests)}
    gone = [path for path in older.files if path not in files] if older else []
    if gone or any(snapshot.listed.get(path, file.sha256) != file.sha256 for path, file in new.items()):
        withhold(zoo, {*files, *gone})
    if new or gone:
        zoo.store.commit(new, gone)
    snapshot.spellings.setdefault(name.partition("@")[0].lower(), name)


def unpublish(zoo: Zoo, names: Sequence[str]) -> None:
    """Take published units out of a zoo, files and all. A unit that is not there is no error.

    They are announced no more before their files go; their records go last, so that what is broken off can
    be done again. Raises PublishError.
    """
    snapshot = zoo.list_again()
    units = [snapshot.units[name] for name in names if name in snapshot.units]
    # Measured times before the record, which has to be the last to go.
    gone = [unit.benchmark_path for unit in units if unit.benchmark_path in snapshot.stamps]
    gone += [path for unit in units for path in unit.files]
    if gone:
        withhold(zoo, gone)
        zoo.store.commit({}, gone)


def publish_benchmark(zoo: Zoo, unit: PublishedUnit, benchmark: Benchmark) -> None:
    """Put measured times beside the record of a published unit, in the place of older ones.

    They are listed and shown by the next announcement. Raises PublishError.
    """
    withhold(zoo, [unit.benchmark_path])
    zoo.store.commit({unit.benchmark_path: content_of(benchmarks.to_json(benchmark).encode())})


def _contents(material: Material, description: Description, staging: Path) -> dict[str, Content]:
    """The files of a unit but for its record, by their names."""
    stem, model = description.stem, material.model_file
    archive = staging / f"{stem}{SUFFIX}"
    try:
        with nullcontext(material.weights) if material.weights else DeflatedWeights(staging) as weights:
            digest = write_archive(model, material.model, material.data_sets, archive, weights)
        sha256 = material.sha256 or _sha256(model)
        contents = {
            f"{stem}.onnx": Content(_taken(model, staging) if material.given else model, sha256),
            f"{stem}{SUFFIX}": Content(archive, digest),
        }
    except OSError as error:
        raise PublishError(
            f"{description.name}: {error.filename or staging}: {error.strerror or error}. Nothing that was "
            "published is harmed. Make room, and run the same command again"
        ) from error
    contents[f"{stem}.cdx.json"] = content_of(bill_of_materials(description).encode())
    described = {kind: _described(description, kind, contents) for kind in ("onnx", "tar.gz", "cdx.json")}
    contents[f"{stem}.intoto.json"] = content_of(statement(description, described).encode())
    return contents


def _taken(file: Path, staging: Path) -> Path:
    """``file`` moved to ``staging``, where that is in the same file system; else as it is."""
    try:
        return file.rename(staging / file.name)
    except OSError:
        return file


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _described(description: Description, kind: str, contents: Mapping[str, Content]) -> PublishedFile:
    content = contents[f"{description.stem}.{kind}"]
    return PublishedFile(f"{description.folder}/{description.stem}.{kind}", content.size, content.sha256)


def _record(description: Description, facts: GraphFacts, contents: Mapping[str, Content]) -> Record:
    ports = {"inputs": facts.inputs, "outputs": facts.outputs}
    return Record(
        **{field.name: getattr(description, field.name) for field in fields(Description)},
        opset=facts.opset,
        onnx_version=facts.onnx_version,
        ir_version=facts.ir_version,
        io_ports={kind: [port.to_dict() for port in some] for kind, some in ports.items()},
        files={kind: _described(description, kind, contents) for kind in KINDS},
    )
