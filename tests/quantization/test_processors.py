"""The same job gives the same bytes on a processor with other instructions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from tests.pipeline.fake_source import PREPROCESSING
from tests.quantization.networks import network

EMULATOR = shutil.which("qemu-x86_64")
ROOT = Path(__file__).parents[2]


def _request(folder: Path, model: Path) -> dict[str, Any]:
    """Eight pictures for calibration and four for the gate, which nothing can pass: all is tried."""
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(12)]
    for path in paths:
        pixels = np.kron(random.integers(0, 256, (4, 4, 3)), np.ones((4, 4, 1)))
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return {
        "model": str(model),
        "form": "int8",
        "threads": 2,
        "preprocessing": PREPROCESSING | {"input_size": [3, 16, 16], "resize": 16},
        "calibration": [str(path) for path in paths[:8]],
        "gate": [str(path) for path in paths[8:]],
        "labels": None,
        "settings": {
            "method": "percentile",
            "percentile": 99.99,
            "max_drop": 0.01,
            "min_agreement": 1.0,
            "min_cosine": 1.0,
            "keep_io_types": True,
        },
    }


def _reduced(folder: Path, request: dict[str, Any], *emulator: str) -> tuple[bytes, list[Any]]:
    """The best file, and the recipes that were tried."""
    folder.mkdir()
    asked, answered = folder / "request.json", folder / "result.json"
    asked.write_text(json.dumps(request | {"folder": str(folder)}))
    worker = [sys.executable, "-m", "pipeline.workers.reduction_worker", str(asked), str(answered)]
    subprocess.run([*emulator, *worker], check=True, cwd=ROOT, capture_output=True)
    tries = json.loads(answered.read_text())["tries"]
    recipes = [{name: value for name, value in tried.items() if name != "gate"} for tried in tries]
    return (folder / "model.onnx").read_bytes(), recipes


@pytest.mark.slow
@pytest.mark.skipif(EMULATOR is None, reason="qemu-x86_64 is not installed (Debian's package qemu-user)")
def test_another_processor_chooses_the_same_file(tmp_path: Path) -> None:
    """Slow, and alone in computing a calibration and a gate with the instructions of a Haswell."""
    assert EMULATOR is not None
    model = tmp_path / "float32.onnx"
    onnx.save(network(), model)
    request = _request(tmp_path, model)
    own, recipes = _reduced(tmp_path / "own", request)
    other, recipes_there = _reduced(tmp_path / "haswell", request, EMULATOR, "-cpu", "Haswell")
    assert other == own
    assert recipes_there == recipes
    assert len(recipes) > 5
