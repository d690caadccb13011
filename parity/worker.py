"""One runtime in a process of its own, which ``start_worker.py`` starts.

Runtimes are native code, which may abort, hang or eat the memory of the process that they run in.
Here that costs one process, and the result tells at which model. Some need an old interpreter:
whatever is imported here has to run in Python 3.9, with the standard library and NumPy.

Request::

    {"runtime": "onnxruntime", "threads": 2, "inputs": "/.../inputs.npz",
     "data_sets": null, "models": {"12": "/.../model-12.onnx", ...}, "output_folder": "/.../"}

``inputs`` holds one float32 array (N, C, H, W) per data set, for models of one input. For others
``data_sets`` is ``{"noise-1": ["0", "1"], ...}``: for each data set the members of ``inputs``, in the order
of the graph's inputs. Result, written again before and after
every model, so that a model that ends the process stays named in ``running``::

    {"version": "1.31.1", "running": null, "models": {
        "12": {"outcome": "ran", "reason": "", "seconds": 1.2, "outputs": "/.../0.npz"},
        "3": {"outcome": "unsupported", "reason": "...", "seconds": 0.1, "outputs": null}}}

``outcome`` is ``ran``, ``unsupported``, ``invalid`` (by the rules of its own opset) or ``crashed``
(the runtime raised something else). The .npz files hold the first outputs under the data sets' names; where
``data_sets`` are given, all outputs, as ``<data set>/<position>``.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from parity.runtimes.interface import AnyArray, DataSets, InvalidModelError, Runtime, UnsupportedError
from parity.runtimes.registry import RUNTIMES


def main() -> None:
    """Serve the request named on the command line."""
    faulthandler.enable()
    _leave_with_parent()
    request_file, result_file = Path(sys.argv[1]), Path(sys.argv[2])
    request = json.loads(request_file.read_text(encoding="utf-8"))
    runtime = RUNTIMES[request["runtime"]]
    with np.load(request["inputs"], allow_pickle=False) as archive:
        members = request["data_sets"] or {name: [name] for name in archive.files}
        data_sets = {name: [archive[member] for member in each] for name, each in members.items()}
    result: dict[str, Any] = {"version": runtime.version(), "running": None, "models": {}}
    for number, (key, model) in enumerate(request["models"].items()):
        result["running"] = key
        _write(result_file, result)
        outputs = Path(request["output_folder"]) / f"{number}.npz"
        result["models"][key] = _run(runtime, Path(model), data_sets, outputs, request)
        result["running"] = None
        _write(result_file, result)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a runtime that crashes while it ends its threads must not spoil a complete result


def _run(
    runtime: Runtime, model: Path, data_sets: DataSets, outputs: Path, request: dict[str, Any]
) -> dict[str, Any]:
    started = time.perf_counter()
    outcome, reason = "ran", ""
    try:
        answers = runtime.run(model, data_sets, request["threads"])
        np.savez(outputs, **_named(answers, whole=bool(request["data_sets"])))  # type: ignore[arg-type]
    except UnsupportedError as error:
        outcome, reason = "unsupported", str(error)
    except InvalidModelError as error:
        outcome, reason = "invalid", str(error)
    except Exception as error:  # noqa: BLE001 - whatever a runtime raises is a result of this model
        traceback.print_exc()
        outcome, reason = "crashed", f"{type(error).__name__}: {error}"
    return {
        "outcome": outcome,
        "reason": reason.strip(),
        "seconds": round(time.perf_counter() - started, 3),
        "outputs": str(outputs) if outcome == "ran" else None,
    }


def _named(answers: dict[str, list[AnyArray]], *, whole: bool) -> dict[str, AnyArray]:
    """What goes into the .npz file: all outputs, or the first ones."""
    if not whole:
        return {name: outputs[0] for name, outputs in answers.items()}
    return {
        f"{name}/{place}": each for name, outputs in answers.items() for place, each in enumerate(outputs)
    }


def _write(file: Path, result: dict[str, Any]) -> None:
    part = file.with_name(file.name + ".part")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(file)


def _leave_with_parent() -> None:
    """End this process soon after its parent did, so that a killed run leaves no worker behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
