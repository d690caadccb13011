"""Starts the process that brings a file to a lower precision, and asks the runtimes about the result.

Exact arithmetic decides which file is made. A runtime of this machine can block it, and never choose another.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.call import Run, RuntimeCall
from parity.runtimes.registry import asked_at
from parity.saturation import saturates
from pipeline.errors import PipelineError
from pipeline.system.processor import processor
from pipeline.workers.own import run_own_worker
from pipeline.workers.processes import Limits
from pipeline.workers.runtimes import runs_of
from quantization.gate import Gate, GateVerdict, judge
from quantization.graph import joined
from quantization.pictures import Choice

THREADS = 2
AGREEING = ("onnxruntime", "openvino")
"""The runtimes that have to pass the gate too."""


@dataclass(frozen=True)
class Reduction:
    """What is asked for.

    ``settings`` are those of the pipeline file's ``quantization``, by their names; ``labels`` the classes of
    the pictures of the gate, where they are known.
    """

    model: Path
    opset: int
    form: str
    preprocessing: Mapping[str, Any]
    pictures: Choice
    settings: Mapping[str, Any]
    labels: Sequence[int] | None = None

    @property
    def gate(self) -> Gate:
        names = ("max_drop", "min_agreement", "min_cosine")
        return Gate(**{name: self.settings[name] for name in names})


@dataclass(frozen=True)
class Reduced:
    """The file in the lower precision, and what is to be said of it; ``reason`` is empty where it passed."""

    model: Path
    report: dict[str, Any]
    reason: str


def reduce_file(
    reduction: Reduction, folder: Path, limits: Limits, stop: threading.Event, said: str
) -> Reduced:
    """Make the file in ``folder``, which is empty, and let the runtimes pass the gate too.

    ``said`` names the work in errors. Raises PipelineError where the model cannot be said in that form, and
    WorkerError where the process breaks or exceeds its limits.
    """
    answer = _searched(reduction, folder, limits, stop, said)
    chosen = answer["chosen"]
    report = {
        "form": reduction.form,
        "calibration pictures": len(reduction.pictures.calibration),
        "gate pictures": len(reduction.pictures.gate),
        "chosen": chosen,
        "tries": answer["tries"],
        "processor": processor()[0],
        "saturates": saturates(),
    }
    model = folder / "model.onnx"
    if not chosen["gate"]["passed"]:
        return Reduced(model, report, chosen["gate"]["reason"])
    verdicts, reason = _asked(reduction, folder, limits, stop)
    return Reduced(model, report | {"runtimes": verdicts}, reason)


def _searched(
    reduction: Reduction, folder: Path, limits: Limits, stop: threading.Event, said: str
) -> dict[str, Any]:
    request = {
        "model": str(reduction.model.absolute()),
        "form": reduction.form,
        "folder": str(folder.absolute()),
        "threads": THREADS,
        "preprocessing": dict(reduction.preprocessing),
        "calibration": [str(path.absolute()) for path in reduction.pictures.calibration],
        "gate": [str(path.absolute()) for path in reduction.pictures.gate],
        "labels": None if reduction.labels is None else list(reduction.labels),
        "settings": dict(reduction.settings),
    }
    answer = run_own_worker(
        "pipeline.workers.reduction_worker",
        request,
        what=said,
        name="reduction",
        folder=folder,
        limits=limits,
        stop=stop,
    )
    if not isinstance(answer, dict) or "error" in answer:
        raise PipelineError(str((answer or {}).get("error", f"{said} ended without a result")))
    return answer


def _asked(
    reduction: Reduction, folder: Path, limits: Limits, stop: threading.Event
) -> tuple[dict[str, Any], str]:
    """What the gate measures in each runtime, and which of those that have to agree do not."""
    reference = np.load(folder / "reference.npy", allow_pickle=False)
    verdicts, objections = {}, []
    for name in asked_at(reduction.opset, quantized=True):
        if name == "exact":
            continue
        call = RuntimeCall(
            name, {"model": folder / "model.onnx"}, folder / "gate.npz", folder / name, THREADS
        )
        run = runs_of(call, limits, stop)["model"]
        verdict = _verdict(run, reference, reduction)
        verdicts[name] = {"outcome": run.outcome, "version": run.version, **verdict.to_dict()}
        if not verdict.passed and (name in AGREEING or run.outcome != "unsupported"):
            objections.append(f"{name}: {verdict.reason}")
    return verdicts, "; ".join(objections)


def _verdict(run: Run, reference: Any, reduction: Reduction) -> GateVerdict:
    if run.outcome != "ran":
        return GateVerdict(False, f"{run.outcome}: {run.reason}", len(reference))
    logits = joined([run.outputs[name] for name in sorted(run.outputs)], len(reference))
    labels = None if reduction.labels is None else np.array(reduction.labels, np.int64)
    return judge(reference, logits, reduction.gate, labels)
