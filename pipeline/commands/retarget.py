"""The command that brings any ONNX file to an older opset."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import PipelineError, UsageError
from publishing.foreign_text import visible


def retarget(source: Path, opset: int, output: Path | None) -> str:
    """Write ``source`` at ``opset`` to ``output``, ``<stem>-<opset>.onnx`` beside it if that is None.

    Returns what was done, in lines. Raises UsageError where the files that are asked for are wrong, and
    PipelineError where the model cannot be said at ``opset`` or the disk refuses.
    """
    destination = output or source.with_name(f"{source.stem}-{opset}.onnx")
    refuse_wrong_places(source, destination)
    from opsets import RetargetError, ir_version, retarget_file
    from opsets.errors import ModelFileError

    try:
        report = retarget_file(source, opset, destination)
    except ModelFileError as error:
        raise UsageError(str(error)) from error
    except RetargetError as error:
        raise PipelineError(str(error)) from error
    except OSError as error:
        raise PipelineError(f"cannot write {destination}: {error.strerror or error}") from error
    versions = f"opset {report.source_opset} to {opset}, IR version {ir_version(opset)}"
    size = sum(path.stat().st_size for path in report.files)
    beside = "".join(f", with its weights in {path.name} beside it" for path in report.files[1:])
    lines = [
        *(report.rewrites or ["nothing had to be rewritten"]),
        *(f"not exact: {bound}" for bound in report.bounds),
        f"{destination}: {versions}, {size / 1e6:.1f} MB{beside}",
    ]
    return "\n".join(map(visible, lines))


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
