"""The record of a published model: one JSON file that says where it came from and what was proven."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from publishing.errors import PublishError

_NAME = re.compile(r"(?P<source>[^/@]+)/(?P<model>[^/@]+)@(?P<version>(?P<opset>[1-9]\d*)(-[a-z0-9]+)*)")
_PATH_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")

AS_IT_CAME = "as the file came; no framework was asked"
"""The form, in ``provenance``, of what was made from an ONNX file of unknown origin."""
RECORD_SUFFIX = ".record.json"
KINDS = ("onnx", "tar.gz", "cdx.json", "intoto.json")
"""The endings of a unit's files besides its record: model, archive, bill of materials, provenance."""


@dataclass(frozen=True)
class PublishedFile:
    """One file of a unit: ``path`` from the publish folder, with ``/``; size in bytes; digest in hex."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Description:
    """What the pipeline knows about a unit; the rest of the record is read from its files.

    Mappings and sequences hold what JSON can say, nothing else.
    """

    name: str
    """``timm/tf_efficientnet_lite0@12``, which also decides the paths of the files."""
    source: str
    framework: str
    """The source's name in prose: ``MXNet Gluon``."""
    family: str
    """The models that share a folder and a card, such as ``vgg``."""
    model: str
    license: str
    """Of model and weights, as an SPDX expression; empty where nobody stated one."""
    author: str
    """Who made the weights; empty where nobody stated it."""
    key: str
    """The hash of all that determined the unit: where it is the same, so is the outcome."""
    made_of: Mapping[str, str] = field(default_factory=dict)
    """What the key is the hash of, by name: versions and numbers, of all else digests."""
    provenance: Mapping[str, Any]
    """Model, weights and pictures with digests; the source environment's interpreter and packages."""
    preprocessing: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]
    """The data sets in the order of ``test_data_set_<n>``: name, shape, digest."""
    verdict: Mapping[str, Any]
    predictions: Sequence[Mapping[str, Any]]
    """Per picture the most probable classes, by the source framework and by each runtime that agrees.

    ``picture`` is the name of its file, ``thumbnail`` the path of a small copy in the publish folder.
    """
    rewrites: Sequence[Any]
    """What was changed between the exporter's file and this one."""
    bounds: Sequence[str]
    """How far a rewrite that is not exact may be off, where there is one."""
    reduction: Mapping[str, Any] = field(default_factory=dict)
    """How a file in a lower precision was made and what the gate measured; empty for one in float32."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """``names`` of the classes in the order of the outputs, ``origin``, and ``sha256`` of their file or None.

    Empty where nobody said them; 1000 classes are then taken for ImageNet's.
    """
    figures: Mapping[str, Any]
    """Parameters and multiply-adds as counted in the file, and beside what documents say of the model."""

    @property
    def stem(self) -> str:
        """The files' name without endings: ``tf_efficientnet_lite0-12``."""
        return f"{self.model}-{self.name.partition('@')[2]}"

    @property
    def folder(self) -> str:
        """The folder of the unit's files, from the publish folder."""
        return f"{self.source}/{self.family}/model"


@dataclass(frozen=True, kw_only=True)
class Record(Description):
    """A description with what was read from the published files."""

    opset: int
    onnx_version: str
    ir_version: int
    io_ports: Mapping[str, Any]
    files: Mapping[str, PublishedFile]
    """By their endings, :data:`KINDS`."""
    accuracy: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """What was measured of the model file: see :mod:`publishing.accuracies`."""


@dataclass(frozen=True)
class UnitName:
    """The parts of a unit's name."""

    source: str
    model: str
    version: str
    opset: int

    @property
    def stem(self) -> str:
        """The files' name without endings."""
        return f"{self.model}-{self.version}"


def parse_name(name: str) -> UnitName:
    """Take ``source/model@opset`` or ``source/model@opset-int8`` apart.

    Raises:
        PublishError: it is no such name, or a part cannot be the name of a folder everywhere.
    """
    match = _NAME.fullmatch(name)
    if not match or not all(_PATH_PART.fullmatch(match[part]) for part in ("source", "model")):
        raise PublishError(
            f"{name!r} cannot be published: a name is source/model@opset, of letters, digits and . _ + -, "
            "with no part beginning with a dot; give the model such a name"
        )
    return UnitName(match["source"], match["model"], match["version"], int(match["opset"]))


def check(description: Description) -> UnitName:
    """Check that a description agrees with itself and can be written.

    Raises:
        PublishError: the name is bad, does not fit source and model, or the verdict is not ``passed``.
    """
    name = parse_name(description.name)
    if (name.source, name.model) != (description.source, description.model):
        raise PublishError(
            f"{description.name}: does not fit source {description.source!r} and model {description.model!r}"
        )
    status = description.verdict.get("status")
    if status != "passed":
        raise PublishError(f"{description.name}: the verdict is {status!r}; only what passed is published")
    if not _PATH_PART.fullmatch(description.family):
        raise PublishError(
            f"{description.name}: the family {description.family!r} cannot be the name of a folder; "
            "give it one of letters, digits and . _ + -"
        )
    return name


def to_json(record: Record) -> str:
    """Write a record as JSON text; equal records give equal text.

    Raises:
        PublishError: a value is not one of JSON's, such as NaN or a path.
    """
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    values["files"] = {kind: vars(file) for kind, file in record.files.items()}
    try:
        return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise PublishError(f"{record.name}: the record holds what JSON cannot say: {error}") from error


def from_json(text: str) -> Record:
    """Read what :func:`to_json` wrote.

    Raises:
        PublishError: it is not the text of a record.
    """
    try:
        values = json.loads(text)
        values["files"] = {
            kind: PublishedFile(str(file["path"]), int(file["bytes"]), str(file["sha256"]))
            for kind, file in values["files"].items()
        }
        record = Record(**values)
        if not all(isinstance(value, str) for value in record.made_of.values()):
            raise TypeError("made_of holds what is no text")
        complete = set(record.files) == set(KINDS) and {"inputs", "outputs"} <= set(record.io_ports)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PublishError(f"not a record of this version: {type(error).__name__}: {error}") from error
    if not complete:
        raise PublishError("not a record of this version: files or io_ports are incomplete")
    parse_name(record.name)
    return record
