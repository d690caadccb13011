"""The command that brings an ONNX file to its form for deployment."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from pipeline.commands.retarget import refuse_wrong_places
from pipeline.errors import PipelineError
from pipeline.system.interrupts import interruptible
from pipeline.workers.processes import Limits
from pipeline.workers.simplification import require_installed, simplify_file
from publishing.foreign_text import visible


def simplify(source: Path, output: Path | None) -> str:
    """Write ``source`` simplified to ``output``, ``<stem>-sim.onnx`` beside it if that is None.

    Returns what was done, in lines. Raises UsageError where the files that are asked for are wrong, and
    PipelineError where onnxsim is not there or refuses the model, or the disk refuses.
    """
    destination = output or source.with_name(f"{source.stem}-sim.onnx")
    refuse_wrong_places(source, destination)
    require_installed()
    stop = threading.Event()
    try:
        with interruptible(stop), tempfile.TemporaryDirectory(dir=destination.parent) as folder:
            scratch = Path(folder).absolute()
            made = scratch / "simplified.onnx"
            lines = simplify_file(source, made, scratch, Limits(), stop)
            size = made.stat().st_size
            made.replace(destination)
    except OSError as error:
        raise PipelineError(f"cannot write {destination}: {error.strerror or error}") from error
    lines = lines or ["nothing was to be simplified"]
    return "\n".join(map(visible, [*lines, f"{destination}: {size / 1e6:.1f} MB"]))
