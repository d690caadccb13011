"""The command that says whether two ONNX files compute the same."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from parity.compare import Tolerance
from pipeline.errors import PipelineError, UsageError
from pipeline.system.interrupts import interruptible

if TYPE_CHECKING:
    from pipeline.equivalence.comparing import Compared


def compare(first: Path, second: Path, inputs: Path | None, relative: float) -> Compared:
    """Compare two files on the inputs in an .npz file, or on such as are made for them.

    Raises:
        UsageError: a file is not there or not what it should be, or the two take different inputs.
        PipelineError: they cannot be compared, or there is no room for what runtimes compute.
        Interrupted: a signal asked to stop.
    """
    from pipeline.equivalence.comparing import compare_files
    from pipeline.equivalence.graphs import read

    try:
        Tolerance(relative)
    except ValueError as error:
        raise UsageError(f"--relative: {error}.") from error
    graphs = read(first), read(second)
    stop = threading.Event()
    try:
        with interruptible(stop), tempfile.TemporaryDirectory(prefix="pipeline-compare-") as folder:
            return compare_files(*graphs, inputs, relative, Path(folder), stop)
    except OSError as error:
        raise PipelineError(
            f"what the runtimes compute finds no room: {error.filename or 'the temporary folder'}: "
            f"{error.strerror or error}. Name another folder in the environment variable TMPDIR."
        ) from error
