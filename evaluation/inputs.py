"""The inputs that every framework and every runtime gets: noise and pictures, the same bits for all.

The noise is smooth, not white: a deep network averages white noise away and then answers nearly the
same to every picture, on which no wrong conversion can be told from a right one. Only additions,
multiplications and PCG64's uniform numbers are used, which are the same on every platform.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from evaluation.errors import EvaluationError
from evaluation.preprocessing import Array, Preprocessing, normalise, prepare
from evaluation.readable_pictures import reading

Picture = Path | tuple[str, bytes]
"""A picture's file, or its name and its bytes (a member of an archive)."""

CELLS = (1, 2, 4, 8, 16, 32, 64)
"""How many cells a side of each random field has before it is stretched over the picture."""

UNREADABLE = (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and :mod:`zipfile` raise of a file that is not what it should be; RuntimeError of members that
say that they are encrypted, or compressed in a way that there is not."""

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def fixed_inputs(
    preprocessing: Preprocessing, pictures: Sequence[Picture], *, seed: int, batch: int = 3
) -> dict[str, Array]:
    """Make a model's data sets, float32 (N, C, H, W) each, normalised as the model asks.

    ``noise-1`` and ``noise-<batch>`` are different pictures throughout; ``pictures-1`` is the first
    picture and ``pictures-<n>`` all of them, where there are any (more than one).

    Raises:
        EvaluationError: ``batch`` is below 2, ``seed`` is negative, or a picture cannot be read.
    """
    if batch < 2:
        raise EvaluationError(f"batch {batch}: the larger batch has to hold at least 2 pictures")
    if seed < 0:
        raise EvaluationError(f"seed {seed}: a seed must be 0 or more")
    colours = smooth_pictures(preprocessing.input_size, 1 + batch, seed)
    if preprocessing.colour == "BGR":
        colours = colours[:, ::-1]
    noise = normalise(colours, preprocessing)
    inputs = {"noise-1": noise[:1], f"noise-{batch}": noise[1:]}
    if pictures:
        prepared = np.stack([prepare_file(picture, preprocessing) for picture in pictures])
        inputs["pictures-1"] = prepared[:1]
        inputs[f"pictures-{len(prepared)}"] = prepared
    return inputs


def in_batches(arrays: Mapping[str, Array], batch: int) -> dict[str, Array]:
    """Cut data sets as :func:`fixed_inputs` makes them, or what a model answers to them, to one batch.

    ``arrays`` are (N, ...) each. The result has data sets of ``batch`` rows, ``noise-<batch>-1`` and so on
    and the same of ``pictures``: all rows of the noise, and each picture once, in their order. Where the last
    one would have fewer rows it begins again with the first.
    """
    noise = [rows for name, rows in arrays.items() if name.startswith("noise-")]
    pictures = [rows for name, rows in arrays.items() if name.startswith("pictures-")][-1:]  # it has them all
    cut: dict[str, Array] = {}
    for kind, parts in (("noise", noise), ("pictures", pictures)):
        rows = np.concatenate(parts) if parts else np.empty(0, np.float32)
        for start in range(0, len(rows), batch):
            chosen = np.arange(start, start + batch) % len(rows)
            cut[f"{kind}-{batch}-{start // batch + 1}"] = rows[chosen]
    return cut


def smooth_pictures(size: tuple[int, int, int], count: int, seed: int) -> Array:
    """Draw ``count`` different pictures of (channels, height, width): values from 0 to 1, float32."""
    generator = np.random.Generator(np.random.PCG64(seed))
    colours = _distinct_colours(generator, size[0], count)
    return np.stack([_smooth_noise(generator, size, colour) for colour in colours])


def write_npz(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write an .npz file whose bytes depend on nothing but the arrays; written beside, then renamed."""
    part = path.with_name(path.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _ZIP_DATE)
            member.create_system = 3  # Unix, whatever this system is
            member.external_attr = 0o644 << 16
            with archive.open(member, "w", force_zip64=True) as stream:
                # Not ascontiguousarray, which gives a scalar an axis.
                np.lib.format.write_array(stream, np.asarray(array, order="C"), allow_pickle=False)
    os.replace(part, path)  # noqa: PTH105 - overwrites on every platform


def read_npz(path: Path) -> dict[str, Array]:
    """Read the arrays of an .npz file by name, without unpickling anything.

    Raises:
        EvaluationError: it cannot be read, or is something else; the message names it.
    """
    try:
        with path.open("rb") as stream:  # NumPy leaves one of its own open where this is no archive
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.lib.npyio.NpzFile):
                return {name: archive[name] for name in archive.files}
    except UNREADABLE as error:
        what = "an array of objects, which is not unpickled" if "allow_pickle" in str(error) else str(error)
        raise EvaluationError(f"{path}: no .npz file of plain arrays: {what}") from error
    raise EvaluationError(f"{path}: this is a single array; write it with numpy.savez")


def prepare_file(picture: Picture, preprocessing: Preprocessing) -> Array:
    """Make the picture in a file what the classifier wants: float32 (C, H, W), normalised.

    Raises:
        EvaluationError: it cannot be read; the message names it.
    """
    name, source = (
        (str(picture), picture) if isinstance(picture, Path) else (picture[0], io.BytesIO(picture[1]))
    )
    with reading(name), Image.open(source) as image:
        return prepare(image, preprocessing)


def _distinct_colours(generator: np.random.Generator, channels: int, count: int) -> npt.NDArray[np.float64]:
    """Draw (count, channels) values between 0 and 1; in every channel they keep a distance."""
    order = generator.permuted(np.tile(np.arange(count), (channels, 1)), axis=1).T
    return (order + 0.5 * generator.random((count, channels))) / count


def _smooth_noise(
    generator: np.random.Generator, size: tuple[int, int, int], colour: npt.NDArray[np.float64]
) -> Array:
    """Draw one picture of values between 0 and 1: random fields of several scales, added up."""
    channels, height, width = size
    field = np.zeros(size, dtype=np.float64)
    for cells in CELLS:
        strength = generator.random()
        knots = generator.random((channels, cells + 1, cells + 1)) - 0.5
        if cells < max(height, width):
            field += strength * _stretch(knots, height, width)
    largest = max(float(np.abs(field).max()), 1e-6)
    # Brightness, contrast and colour of the whole picture are what survives global pooling.
    contrast = 0.2 + 0.4 * generator.random()
    base = 0.1 + 0.8 * colour[:, None, None]
    return np.clip(base + contrast * field / largest, 0.0, 1.0).astype(np.float32)


def _stretch(knots: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    """Interpolate (C, h, w) linearly to (C, height, width), corners on corners."""
    rows = _between(knots, height, axis=1)
    return _between(rows, width, axis=2)


def _between(values: npt.NDArray[np.float64], length: int, axis: int) -> npt.NDArray[np.float64]:
    intervals = values.shape[axis] - 1
    position = np.arange(length) * intervals / max(1, length - 1)
    lower = np.minimum(position.astype(np.int64), intervals - 1)
    share = (position - lower).reshape([-1 if dimension == axis else 1 for dimension in range(3)])
    before, after = np.take(values, lower, axis), np.take(values, lower + 1, axis)
    stretched: npt.NDArray[np.float64] = before * (1.0 - share) + after * share
    return stretched
