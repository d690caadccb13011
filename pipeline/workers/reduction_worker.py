"""Brings one file to a lower precision, in a process of its own: ``request.json result.json``.

Request::

    {"model": "/.../model.onnx", "form": "int8", "folder": "/.../", "threads": 2,
     "preprocessing": {...}, "calibration": ["/.../a.jpg"], "gate": ["/.../b.jpg"], "labels": [3] or null,
     "settings": {"method": "percentile", "percentile": 99.99, "max_drop": 0.01, ...}}

Leaves in ``folder`` the reduced ``model.onnx``, the pictures of the gate by batches in ``gate.npz``, and what
the file in float32 answers to them in ``reference.npy``. Result: ``{"tries": [...], "chosen": {...}}``, or
``{"error": "..."}`` where the model cannot be said in that form.

Everything is decided by exact arithmetic: see :mod:`parity.exact`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from evaluation.errors import EvaluationError
from evaluation.inputs import prepare_file
from evaluation.preprocessing import Preprocessing
from parity.exact import logits_of
from quantization.calibration import calibrate
from quantization.cleaning import require_standard
from quantization.errors import QuantizationError
from quantization.folding import fold_batch_normalization, named
from quantization.gate import Gate
from quantization.graph import Array, batches, fixed_batch, joined
from quantization.search import FEW, Material, search
from quantization.settings import Settings
from quantization.writer import FORMS, tensors_to_calibrate

STRIDE = 4
"""Pictures that go through a network at a time: so many times its activations are in memory, here and in the
runtimes that are asked."""
GATE = "gate.npz"
REFERENCE = "reference.npy"


def main() -> None:
    """Serve the request named on the command line."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        result = _reduce(request, Path(request["folder"]))
    except (QuantizationError, EvaluationError) as error:
        result = {"error": str(error)}
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


def _reduce(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    preprocessing, threads = Preprocessing.from_dict(request["preprocessing"]), int(request["threads"])
    model = named(onnx.load(request["model"]))
    require_standard(model)
    strides = partial(_strides, request["calibration"], preprocessing)
    gate = np.concatenate(list(_strides(request["gate"], preprocessing)))
    histograms = {}
    if request["form"] in FORMS:
        tensors = [*tensors_to_calibrate(model), *tensors_to_calibrate(fold_batch_normalization(model))]
        histograms = calibrate(model, list(dict.fromkeys(tensors)), strides, threads)
    labels = None if request["labels"] is None else np.array(request["labels"], np.int64)
    run = partial(_run, threads=threads)
    few = np.concatenate(list(_strides(request["calibration"][:FEW], preprocessing)))
    material = Material(model, run, gate, few, histograms, labels)
    found = search(request["form"], material, _settings(request["settings"]))
    onnx.checker.check_model(found.model, full_check=True)
    onnx.save(found.model, folder / "model.onnx")
    parts = enumerate(batches(gate, STRIDE, fixed_batch(model)))
    arrays: dict[str, Any] = {f"{place:06}": part for place, part in parts}
    np.savez(folder / GATE, **arrays)
    np.save(folder / REFERENCE, found.reference)
    return {"tries": [tried.to_dict() for tried in found.tries], "chosen": found.best.to_dict()}


def _settings(values: dict[str, Any]) -> Settings:
    bounds = {name: values[name] for name in ("max_drop", "min_agreement", "min_cosine")}
    return Settings(
        values["method"],
        values["percentile"],
        Gate(**bounds),
        keep_io_types=values["keep_io_types"],
    )


def _strides(paths: Sequence[str], preprocessing: Preprocessing) -> Iterator[Array]:
    for start in range(0, len(paths), STRIDE):
        stride = paths[start : start + STRIDE]
        yield np.stack([prepare_file(Path(path), preprocessing) for path in stride])


def _run(model: onnx.ModelProto, pictures: Array, threads: int) -> Array:
    parts = batches(pictures, STRIDE, fixed_batch(model))
    return joined([logits_of(model, batch, threads) for batch in parts], len(pictures))


if __name__ == "__main__":
    main()
