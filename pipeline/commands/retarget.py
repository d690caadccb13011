"""The command that brings any ONNX file to another opset."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from parity.compare import Tolerance
from pipeline.errors import PipelineError, UsageError
from publishing.foreign_text import visible

if TYPE_CHECKING:
    from opsets import StaticAxes
    from opsets.retargeting import Report


def retarget(
    source: Path,
    opset: int,
    output: Path | None,
    *,
    shapes: Sequence[str] = (),
    batch: int | None = None,
    verify: bool = False,
) -> str:
    """Write ``source`` at ``opset`` to ``output``, ``<stem>-<opset>.onnx`` beside it if that is None.

    ``shapes`` are lengths for the axes of inputs, such as ``x:1x3x224x224``, and ``batch`` is one for the
    first axis of each. With ``verify``, only if runtimes compute the same of both. Returns what was done, in
    lines. Raises UsageError where the files or lengths that are asked for are wrong, and PipelineError where
    the model cannot be said at ``opset``, does not compute the same or the disk refuses.
    """
    destination = output or source.with_name(f"{source.stem}-{opset}.onnx")
    refuse_wrong_places(source, destination)
    lengths = _lengths(shapes)
    from opsets import AxesError, RetargetError, StaticAxes, ir_version, retarget_file
    from opsets.errors import ModelFileError

    static = StaticAxes(lengths, batch) if lengths or batch else None
    said: list[str] = []
    try:
        if verify:
            report, said = _verified(source, opset, destination, static)
        else:
            report = retarget_file(source, opset, destination, static=static)
    except (AxesError, ModelFileError) as error:
        raise UsageError(str(error)) from error
    except RetargetError as error:
        raise PipelineError(f"{error}{_options(error.open_axes)}") from error
    except OSError as error:
        raise PipelineError(f"cannot write {destination}: {error.strerror or error}") from error
    versions = f"opset {report.source_opset} to {opset}, IR version {ir_version(opset)}"
    size = sum(path.stat().st_size for path in report.files)
    beside = "".join(f", with its weights in {path.name} beside it" for path in report.files[1:])
    lines = [
        *(report.rewrites or ["nothing had to be rewritten"]),
        *(f"not exact: {bound}" for bound in report.bounds),
        *said,
        f"{destination}: {versions}, {size / 1e6:.1f} MB{beside}",
    ]
    return "\n".join(map(visible, lines))


_MOST_DIGITS = 9
"""Of a length; no tensor that is computed has a longer axis."""


def _lengths(shapes: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """What ``--shape`` says, by inputs. Raises UsageError."""
    lengths: dict[str, tuple[int, ...]] = {}
    for shape in shapes:
        name, _, numbers = shape.rpartition(":")  # names of inputs may have a colon
        if not name:
            raise UsageError(f"--shape: {shape!r} is not INPUT:LENGTHS, such as x:1x3x224x224.")
        for number in numbers.split("x"):
            if not (number.isascii() and number.isdecimal()):
                raise UsageError(
                    f"--shape: {number!r} in {shape!r} is not a number; give a length for each axis of "
                    f"{name!r}, such as {name}:1x3x224x224."
                )
            if not 1 <= len(number.lstrip("0")) <= _MOST_DIGITS:
                raise UsageError(f"--shape: {number} in {shape!r} is no length of an axis; the least is 1.")
        if name in lengths:
            raise UsageError(f"--shape: {name!r} is given twice; give it once.")
        lengths[name] = tuple(int(number) for number in numbers.split("x"))
    return lengths


def _options(axes: Sequence[tuple[str, int]]) -> str:
    """How to fix ``axes``, which are all that hinder; nothing where there are none."""
    if not axes:
        return ""
    names = dict.fromkeys(name for name, _ in axes)
    shapes = " ".join(f"--shape {name}:LENGTHS" for name in names)
    return f"; fix them with {shapes}{', or --batch N' if all(axis == 0 for _, axis in axes) else ''}"


def _verified(
    source: Path, opset: int, destination: Path, static: StaticAxes | None
) -> tuple[Report, list[str]]:
    """Write to ``destination`` what computes the same as ``source``; the report, and what was compared.

    It is made in a folder beside it, from which its files are moved once they are known to be right.
    """
    from opsets import retarget_file
    from pipeline.commands.compare import compare
    from pipeline.equivalence.report import lines

    prefix = f".{destination.name}."
    with tempfile.TemporaryDirectory(prefix=prefix, dir=destination.parent) as folder:
        report = retarget_file(source, opset, Path(folder) / destination.name, static=static)
        made = report.files[0]
        try:
            compared = compare(source, made, None, Tolerance().relative)
        except PipelineError as error:
            reason = str(error).replace(str(made), str(destination))
            raise PipelineError(f"nothing was written, as it cannot be verified: {reason}") from error
        said = [line.replace(str(made), str(destination)) for line in lines(compared)]
        if not compared.same:
            raise PipelineError(f"{said[-1]} Nothing was written.", *said[:-1])
        places = [destination.with_name(path.name) for path in report.files]
        for path, place in reversed([*zip(report.files, places, strict=True)]):  # the weights first
            path.replace(place)
    return replace(report, files=tuple(places)), said


def refuse_wrong_places(source: Path, destination: Path) -> None:
    """Raise UsageError where there is no ``source``, or ``destination`` cannot become a file beside it."""
    if not source.exists():
        raise UsageError(f"{source}: there is no such file.")
    if destination.is_dir():
        raise UsageError(f"--output: {destination} is a folder; give the name of the file in it.")
    if not destination.parent.is_dir():
        raise UsageError(f"--output: there is no folder {destination.parent}; make it first.")
    if destination.exists() and destination.samefile(source):
        raise UsageError(f"--output: {destination} is the model that is read; give another name.")
