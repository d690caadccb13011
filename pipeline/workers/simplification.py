"""Starts the process that simplifies a file, where onnxsim is installed."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.workers.own import run_own_worker
from pipeline.workers.processes import Limits


def is_installed() -> bool:
    """Whether onnxsim, of the extra ``simplify``, is."""
    return importlib.util.find_spec("onnxsim") is not None


def require_installed() -> None:
    """Raise PipelineError that says how to install onnxsim, where it is not."""
    if not is_installed():
        raise PipelineError(
            "simplifying needs onnxsim, which is not installed: pip install 'onnx-zoo-pipeline[simplify]'"
        )


def simplify_file(
    source: Path, output: Path, folder: Path, limits: Limits, stop: threading.Event
) -> list[str]:
    """Write ``source`` simplified to ``output``; what was done, in lines.

    ``folder`` is for the log. Raises PipelineError where onnxsim is not there or refuses the model, and
    WorkerError where its process breaks or exceeds its limits.
    """
    require_installed()
    answer = run_own_worker(
        "pipeline.workers.simplify_worker",
        {"model": str(source.absolute()), "output": str(output.absolute())},
        what="onnxsim",
        name="simplify",
        folder=folder,
        limits=limits,
        stop=stop,
    )
    if not isinstance(answer, dict) or "error" in answer:
        raise PipelineError(str((answer or {}).get("error", "onnxsim ended without a result")))
    return [str(line) for line in answer["lines"]]
