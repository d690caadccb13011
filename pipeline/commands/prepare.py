"""The command that writes prepared pictures as .npz files, for calibration and for devices."""

from __future__ import annotations

import threading
from pathlib import Path

from evaluation.datasets import LABEL_FILE, picture_names, read_dataset
from evaluation.errors import EvaluationError
from evaluation.inputs import write_npz
from evaluation.saved_outputs import DATALIST, without_ending
from pipeline.errors import PipelineError, UsageError
from pipeline.evaluations.pictures import preparing
from pipeline.evaluations.targets import Target, file_target, unit_target, units_in
from pipeline.planning.planner import zoo_at
from pipeline.system.files import whole_file
from pipeline.system.interrupts import interruptible
from pipeline.terminal.counting import counting
from pipeline.terminal.output import console_for_progress
from pipeline.terminal.wording import say

_AT_ONCE = 64
"""Pictures that are in memory at a time."""


def write_pictures(folder: Path, output: Path, model: str, zoo: str, labels: Path | None) -> list[str]:
    """Write an .npz file for each picture below ``folder``, a list of them, and their labels if known.

    Each file has one array (1, C, H, W), of the type and under the name of the model's input. The list has
    their paths in ``output``, a line each. Returns what was written, in lines.

    Raises:
        UsageError: there is no such model, no picture, or ``output`` has something in it.
        PipelineError: pictures are broken, which are named, or the disk refuses.
    """
    target = _target(model, zoo)
    names = _names(folder)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: there is something already; name a new or an empty folder.")
    truth = _labels(folder, labels, target)
    with interruptible(threading.Event()):
        try:
            broken = _write(folder, output, names, target)
            if not broken:
                files = [f"{without_ending(name)}.npz" for name in names]
                _write_lines(output / DATALIST, files)
                if truth:
                    _write_lines(output / LABEL_FILE, [f"{n} {i}" for n, i in zip(files, truth, strict=True)])
        except OSError as error:
            raise PipelineError(f"{error.filename or output}: {error.strerror or error}") from error
    if broken:
        raise PipelineError(
            *broken,
            f"{len(broken)} of {len(names)} pictures are broken, and no list was written; replace them",
        )
    lines = [f"{output}: {len(names)} prepared pictures for {target.title}, listed in {DATALIST}"]
    return [*lines, f"their labels are in {LABEL_FILE}"] if truth else lines


def _target(model: str, zoo: str) -> Target:
    if model.endswith(".onnx"):
        if not Path(model).is_file():
            raise UsageError(f"{model}: there is no such file.")
        return file_target(Path(model), None, {})
    place = zoo_at(zoo, Path())
    targets = [unit_target(place, unit, None, {}) for unit in units_in(place, model)]
    if any(target.preprocessing != targets[0].preprocessing for target in targets):
        raise UsageError(f"--for: {model} names models that want their pictures in different ways; name one.")
    return targets[0]


def _names(folder: Path) -> list[str]:
    try:
        names = picture_names(folder)
    except EvaluationError as error:
        raise UsageError(f"{error}.") from error
    by_stem: dict[str, str] = {}
    for name in names:
        other = by_stem.setdefault(without_ending(name), name)
        if other != name:
            raise UsageError(f"{folder}: {other} and {name} would become one file; rename one of them.")
    return names


def _labels(folder: Path, labels: Path | None, target: Target) -> list[int] | None:
    """The labels of the pictures; None, which is said, where nobody asked for them and there are none."""
    try:
        dataset = read_dataset(folder, labels, target.classes, target.class_names)
    except EvaluationError as error:
        if labels or (folder / LABEL_FILE).is_file():
            raise UsageError(f"{error}.") from error
        say(f"without labels: {error}")
        return None
    return [picture.label for picture in dataset.pictures]


def _write(folder: Path, output: Path, names: list[str], target: Target) -> list[str]:
    """Write the files; what is wrong with pictures that are broken."""
    broken = []
    with (
        preparing(folder, target.preprocessing, len(names)) as prepare,
        counting(console_for_progress(), target.title, len(names)) as count,
    ):
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            for name, future in zip(some, prepare(some), strict=True):
                picture = future.result()
                if picture.array is None:
                    broken.append(picture.reason)
                    continue
                path = output / f"{without_ending(name)}.npz"
                path.parent.mkdir(parents=True, exist_ok=True)
                array = picture.array[None].astype(target.input_type)
                write_npz(path, {target.input_name: array})
            count.note(start + len(some), False)
    return broken


def _write_lines(path: Path, lines: list[str]) -> None:
    with whole_file(path) as part:
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
