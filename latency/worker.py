"""One model in one runtime, timed in a process of its own: ``python worker.py request.json result.json``.

Request::

    {"runtime": "openvino", "model": "/.../model.onnx", "input_type": "float32",
     "inputs": "/.../inputs.npz", "threads": 2, "processors": [0, 1], "outputs": "/.../outputs.npz",
     "turns": "/.../turns", "answers": "/.../answers"}

``inputs`` holds one float32 array (N, C, H, W) per batch, under its size, and is handed over as
``input_type``, ``float32`` or ``float16``. The model is loaded, computes the smallest of them once, whose
outputs are written, and takes its turns: see ``shared/turns.py``. The result is written last:
``{"version": "2026.4.0"}``, or ``{"error": "..."}`` where the model cannot be run at all.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Serve the request named on the command line."""
    faulthandler.enable()
    _leave_with_parent()
    sys.path[0] = str(ROOT)  # this folder is put there by Python
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = Path(sys.argv[2])
    part = result.with_name(f"{result.name}.part")
    part.write_text(json.dumps(_serve(request)), encoding="utf-8")
    part.replace(result)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a runtime that crashes while it ends its threads must not spoil a complete result


def _serve(request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    from latency.runtimes import RUNTIMES
    from latency.shared.turns import pin, take_turns

    pin(request["processors"])
    runtime = RUNTIMES[request["runtime"]]
    with np.load(request["inputs"], allow_pickle=False) as archive:
        inputs = {name: archive[name].astype(request["input_type"]) for name in archive.files}
    try:
        run = runtime.load(Path(request["model"]), request["threads"])
        np.savez(request["outputs"], outputs=run(inputs[min(inputs, key=int)]))
    except Exception as error:  # noqa: BLE001 - whatever a runtime raises is a result of this model
        return {"version": runtime.version(), "error": f"{type(error).__name__}: {error}"}
    take_turns(run, inputs, request)
    return {"version": runtime.version()}


def _leave_with_parent() -> None:
    """End this process soon after its parent did, so that a killed command leaves no worker behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
