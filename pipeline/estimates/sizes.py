"""How many bytes the tensors of models have, by the catalogues of the sources or by files on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.config.onnx_files import files_of
from pipeline.config.schema import FileWeights
from pipeline.planning.jobs import FileModel, FolderModel, ModelJob
from pipeline.planning.own_models import CodeModel
from pipeline.system.weight_shards import is_index, shards_of


def sizes_of(jobs: Iterable[ModelJob], folder: Path) -> dict[str, int]:
    """The bytes of the tensors of models by the jobs' names, as far as they can be known.

    ``folder`` is that of the pipeline file.
    """
    sizes = {job.name: _listed_size(job) or _size_on_disk(job, folder) for job in jobs}
    return {name: size for name, size in sizes.items() if size}


def _listed_size(job: ModelJob) -> int | None:
    return job.listed.bytes if job.listed else None


def _size_on_disk(job: ModelJob, folder: Path) -> int | None:
    """The bytes of a model's folder or files, or of the file with its weights."""
    model, weights = job.model, job.entry.weights
    if isinstance(model, FolderModel):
        return bytes_below(model.folder) or None
    if isinstance(model, FileModel):
        return sum(file.stat().st_size for file in files_of(model.file))
    if isinstance(model, CodeModel) and not model.function:
        return model.files[0].stat().st_size
    if isinstance(weights, FileWeights) and (folder / weights.file).is_file():
        path = folder / weights.file
        return sum(file.stat().st_size for file in (shards_of(path) if is_index(path) else [path]))
    return None


def input_bytes(job: ModelJob) -> int:
    """The bytes of a model's fixed inputs: noise and pictures, one at a time, as a batch, and cut anew."""
    images, listed = job.entry.images, job.listed
    channels, height, width = job.entry.input_size(listed.input_size if listed else (3, 224, 224))
    pictures = len(images.files) + len(images.members) if images else 0
    rows = 1 + job.entry.batch + (1 + pictures if pictures else 0)
    for batch in job.entry.fixed_batches:
        rows += batch * (-(-(1 + job.entry.batch) // batch) + -(-pictures // batch))
    return rows * channels * height * width * 4


def bytes_below(folder: Path) -> int:
    """The bytes of all files below ``folder``, which need not exist."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except OSError:
            continue  # another run has just removed it
    return total
