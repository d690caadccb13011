"""Workers started as the pipeline starts them: real runtimes in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from parity.call import Ending, Run, RuntimeCall, read_runs
from parity.compare import Array, Tolerance
from parity.runtimes.registry import asked_at
from parity.verdict import Verdict, judge


def start(call: RuntimeCall) -> subprocess.Popen[bytes]:
    """Start the worker of a call."""
    call.write_request()
    return subprocess.Popen(call.command, env={**os.environ, **call.environment}, cwd=call.folder)


def run(call: RuntimeCall) -> dict[str, Run]:
    """Run a call to its end."""
    ending: Ending = "exited" if start(call).wait() == 0 else "crashed"
    return read_runs(call, ending)


def wait_until_running(call: RuntimeCall, key: str) -> None:
    """Wait until the worker of a call has come to the model ``key``."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if call.result.exists() and json.loads(call.result.read_text())["running"] == key:
            return
        time.sleep(0.05)
    pytest.fail(f"the worker never came to {key}")


def verdict(
    file: Path,
    opset: int,
    inputs: dict[str, Array],
    references: dict[str, Array],
    folder: Path,
    *,
    quantized: bool = False,
) -> Verdict:
    """The verdict on ``file`` of all runtimes that are asked at ``opset``."""
    np.savez(folder / "inputs.npz", **inputs)  # type: ignore[arg-type]
    runs = {}
    for runtime in asked_at(opset, quantized=quantized):
        (folder / runtime).mkdir()
        call = RuntimeCall(runtime, {"model": file}, folder / "inputs.npz", folder / runtime)
        runs[runtime] = run(call)["model"]
    return judge(references, runs, Tolerance())
