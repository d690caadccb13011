"""What two files are compared on: inputs that are made for their graphs, or those of an .npz file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.errors import EvaluationError
from evaluation.inputs import read_npz, smooth_pictures
from pipeline.equivalence.graphs import Port
from pipeline.errors import PipelineError, UsageError

Values = npt.NDArray[Any]

BATCH = 3
"""Rows of the larger data set, where the first axis is open."""
SIDE, LENGTH = 224, 16
"""Of pictures whose size is open, and of every other open axis."""
_LEAST_SIDE = 8
_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Inputs:
    """The data sets by what reports call them: for each, an array for each input by its name."""

    data_sets: Mapping[str, Mapping[str, Values]]
    notes: tuple[str, ...] = ()
    made: bool = False
    smaller: tuple[str, ...] = field(default=())
    """The data sets of one row alone, where there are others, too."""


def made_inputs(ports: Sequence[Port], rows: Mapping[str, int], seed: int = 0) -> Inputs:
    """Make seeded inputs: two of a single row, and one of :data:`BATCH` where the first axis is open.

    Where it is fixed, there are two of that length. Pictures are smooth noise, between -2 and 2 or 0 and 255;
    other floats are even between -2 and 2; integers that pick rows, of whose number ``rows`` knows, pick any;
    the others are 0 or 1.

    Raises:
        PipelineError: a graph does not say how many axes an input has.
    """
    unknown = [port.name for port in ports if port.shape is None]
    if unknown:
        raise PipelineError(
            f"the graph does not say how many axes {', '.join(map(repr, unknown))} has; give inputs with "
            "--inputs FILE.npz."
        )
    open_names = {port.shape[0] for port in ports if port.shape and isinstance(port.shape[0], str)}
    sizes = (1, 1, BATCH) if open_names else (1, 1)
    names = [f"noise {number + 1}" for number in range(len(sizes))]
    if open_names:
        names = [f"{name} (batch {size})" for name, size in zip(names, sizes, strict=True)]
    data_sets: dict[str, dict[str, Values]] = {name: {} for name in names}
    notes = set()
    for place, port in enumerate(ports):
        batches = []
        for size in sizes:
            shape, assumed = _shape(port, open_names, size)
            batches.append(shape)
            notes |= assumed
        for name, array in zip(names, _arrays(port, batches, rows, (seed, place)), strict=True):
            data_sets[name][port.name] = array
    smaller = tuple(names[:2]) if open_names else ()
    return Inputs(data_sets, tuple(sorted(notes)), made=True, smaller=smaller)


def _shape(port: Port, open_names: set[str], batch: int) -> tuple[tuple[int, ...], set[str]]:
    """The lengths of an input, and what was assumed of axes that are open."""
    assert port.shape is not None
    shape, notes = [], set()
    for place, axis in enumerate(port.shape):
        if isinstance(axis, int):
            shape.append(axis)
        elif place == 0 or (axis and axis in open_names):
            shape.append(batch)
        else:
            picture = len(port.shape) == 4 and port.type.startswith(("float", "uint8"))
            length = (3 if place == 1 else SIDE) if picture else LENGTH
            shape.append(length)
            notes.add(f"axis {place} of the input {port.name} is open, and was {length} long")
    return tuple(shape), notes


def _arrays(
    port: Port, shapes: Sequence[tuple[int, ...]], rows: Mapping[str, int], seed: tuple[int, int]
) -> list[Values]:
    """An array for each of the shapes, which differ in their first axis alone."""
    lengths = [shape[0] if shape else 1 for shape in shapes]
    rest = shapes[0][1:]
    whole = _values(port, (sum(lengths), *rest), rows, seed)
    parts = np.split(whole, np.cumsum(lengths)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _values(port: Port, shape: tuple[int, ...], rows: Mapping[str, int], seed: tuple[int, int]) -> Values:
    generator = np.random.Generator(np.random.PCG64(seed))
    dtype = np.dtype(port.type)
    pictures = _pictures(shape, seed) if dtype.kind == "f" or dtype == np.uint8 else None
    if dtype.kind == "f":
        return ((pictures - 0.5) * 4 if pictures is not None else generator.uniform(-2, 2, shape)).astype(
            dtype
        )
    if dtype.itemsize == 1 and dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if pictures is not None:
            return np.round(pictures * bounds.max).astype(dtype)
        return generator.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)
    return generator.integers(0, rows.get(port.name, 2), shape).astype(dtype)


def _pictures(shape: tuple[int, ...], seed: tuple[int, int]) -> Values | None:
    """Smooth noise where the shape is one of pictures, channels first or last; None where it is not."""
    if len(shape) != 4:
        return None
    count, *lengths = shape
    if lengths[0] in _CHANNELS and min(lengths[1:]) >= _LEAST_SIDE:
        return smooth_pictures((lengths[0], lengths[1], lengths[2]), count, seed[0] + seed[1])
    if lengths[2] in _CHANNELS and min(lengths[:2]) >= _LEAST_SIDE:
        size = (lengths[2], lengths[0], lengths[1])
        return smooth_pictures(size, count, seed[0] + seed[1]).transpose(0, 2, 3, 1)
    return None


def read_inputs(path: Path, ports: Sequence[Port]) -> Inputs:
    """Read an .npz file: an array for each input by its name, or several data sets as ``name/0``, ``name/1``.

    Raises:
        UsageError: there is no such file, it is no .npz of plain arrays, or its arrays are not those of
            ``ports``.
    """
    arrays = _members(path)
    names = {port.name for port in ports}
    data_sets: dict[str, dict[str, Values]] = {}
    for key, array in arrays.items():
        name, _, number = key.rpartition("/")
        if key in names:
            data_sets.setdefault("", {})[key] = array
        elif name in names and number.isdecimal():
            data_sets.setdefault(number, {})[name] = array
        else:
            raise UsageError(
                f"--inputs: {path}: the models have no input {key!r}; theirs are "
                f"{', '.join(map(repr, sorted(names)))}. An array is named like its input, or, of several "
                "data sets, like its input and a number: name/0."
            )
    if "" in data_sets and len(data_sets) > 1:
        raise UsageError(f"--inputs: {path}: some arrays have a number, and others have none.")
    if not data_sets:
        raise UsageError(f"--inputs: {path}: there is no array in it.")
    for number, each in data_sets.items():
        for port in ports:
            _check(path, port, f"{port.name}/{number}" if number else port.name, each.get(port.name))
    numbers = sorted(data_sets, key=lambda number: (len(number), number))
    return Inputs({f"{path.name}/{number}" if number else path.name: data_sets[number] for number in numbers})


def _members(path: Path) -> dict[str, Values]:
    if not path.is_file():
        raise UsageError(f"--inputs: there is no file {path}.")
    try:
        return dict(read_npz(path))
    except EvaluationError as error:
        raise UsageError(f"--inputs: {error}.") from error


def _check(path: Path, port: Port, key: str, array: Values | None) -> None:
    if array is None:
        raise UsageError(f"--inputs: {path}: there is no array {key!r}; the models take {port.text} there.")
    shape = array.shape
    if port.shape is not None:
        fits = len(shape) == len(port.shape) and all(
            not isinstance(wanted, int) or length == wanted
            for length, wanted in zip(shape, port.shape, strict=True)
        )
    else:
        fits = True
    if not fits or array.dtype != np.dtype(port.type):
        raise UsageError(
            f"--inputs: {path}: the array {key!r} is {array.dtype} {list(shape)}, and the models take "
            f"{port.text}."
        )
    if array.size == 0:
        raise UsageError(f"--inputs: {path}: the array {key!r} of shape {list(shape)} is empty.")
