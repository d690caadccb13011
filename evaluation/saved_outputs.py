"""Outputs that a device saved for prepared pictures, held against a list of the pictures.

The list, ``datalist.txt``, names the prepared pictures, a line each, as ``dataset npz`` writes them. The
outputs are a file for each, of the same name but for its ending, ``.npz`` with one array or ``.npy``; or one
such file whose array has a row for each line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from evaluation.errors import EvaluationError
from evaluation.inputs import UNREADABLE
from evaluation.picture_files import ENDINGS
from evaluation.preprocessing import Array

DATALIST = "datalist.txt"
_ENDINGS = (".npz", ".npy")
_SHOWN = 3


def read_datalist(file: Path) -> list[str]:
    """Read the names of the prepared pictures, without their endings.

    Raises:
        EvaluationError: it cannot be read, is empty, or names something twice.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{file}: the list cannot be read: {error}") from error
    names = [without_ending(line) for line in lines if line]
    if not names:
        raise EvaluationError(f"{file}: the list is empty; it names a prepared picture a line")
    if len(set(names)) != len(names):
        raise EvaluationError(f"{file}: {len(names) - len(set(names))} of its names stand there twice")
    return names


def read_outputs(place: Path, names: Sequence[str]) -> Array:
    """Read the outputs for ``names``: float32 (N, classes), a row for each, in their order.

    Raises:
        EvaluationError: a file is missing, is one too many, cannot be read, has another shape or a value
            that is not finite; the message names it.
    """
    if not place.exists():
        raise EvaluationError(f"{place}: there is no such file or folder")
    if place.is_file():
        rows = _array(place)
        rows = rows.reshape(rows.shape[0], -1) if rows.ndim > 1 else rows
        if rows.ndim != 2 or len(rows) != len(names):
            raise EvaluationError(
                f"{place}: outputs of shape {list(rows.shape)}; a row is wanted for each of the {len(names)} "
                "pictures of the list"
            )
        outputs = rows
    else:
        outputs = _of_files(place, names)
    bad = [name for name, row in zip(names, outputs, strict=True) if not np.isfinite(row).all()]
    if bad:
        raise EvaluationError(
            f"{place}: {_some(bad)}: the outputs are not finite (NaN or infinity); {len(bad)} of "
            f"{len(names)} pictures"
        )
    return outputs.astype(np.float32)


def _of_files(folder: Path, names: Sequence[str]) -> Array:
    files: dict[str, Path] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _ENDINGS):
        name = without_ending(path.relative_to(folder).as_posix())
        if name in files:
            raise EvaluationError(f"{folder}: {name} is there twice, as .npy and as .npz; keep one of them")
        files[name] = path
    known = set(names)
    missing = [name for name in names if name not in files]
    extra = [name for name in files if name not in known]
    if missing:
        raise EvaluationError(
            f"{folder}: {len(missing)} of {len(names)} outputs are missing: {_some(missing)}"
        )
    if extra:
        raise EvaluationError(
            f"{folder}: {len(extra)} {'output is' if len(extra) == 1 else 'outputs are'} of no picture in "
            f"the list: {_some(extra)}"
        )
    rows = [_array(files[name]).reshape(-1) for name in names]
    for name, row in zip(names, rows, strict=True):
        if row.shape != rows[0].shape:
            raise EvaluationError(
                f"{files[name]}: {row.size} values, and {files[names[0]]} has {rows[0].size}; one row of "
                "logits is wanted in each"
            )
    return np.stack(rows)


def _array(file: Path) -> Array:
    """The one array of a file, of numbers."""
    try:
        with file.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                array = loaded
            elif len(loaded.files) == 1:
                array = loaded[loaded.files[0]]
            else:
                raise EvaluationError(f"{file}: {len(loaded.files)} arrays; the outputs alone are wanted")
    except UNREADABLE as error:
        raise EvaluationError(f"{file}: the outputs cannot be read: {error}") from error
    if array.dtype.kind not in "fiu" or array.size == 0:
        raise EvaluationError(f"{file}: {array.size} values of {array.dtype}; logits are numbers")
    return array


def without_ending(name: str) -> str:
    """Return the name of a picture, a prepared picture or an output without its ending."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in (*_ENDINGS, *ENDINGS) else str(path)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
