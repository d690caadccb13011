"""What a user waits for before any work begins, as ratios to starting a bare interpreter.

``python benchmarks/start_up.py FOLDER``, FOLDER being one in which the default job has run: prints the
median seconds of ``python -c pass``, of ``--help``, of a run and a plan of a job that is done, of the
import of onnx and of ``retarget`` on a file with one node, and each as a multiple of the first. All are
taken in turn, so that a slow machine slows all of them. No ``retarget`` can be faster than that import.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnx

ROUNDS = 7
PIPELINE = ("-m", "pipeline")
COMMANDS = {
    "bare interpreter": ("-c", "pass"),
    "--help": (*PIPELINE, "--help"),
    "run, all done": (*PIPELINE, "run", "pipeline.yaml"),
    "plan": (*PIPELINE, "plan", "pipeline.yaml"),
    "environments list": (*PIPELINE, "environments", "list"),
    "import onnx": ("-c", "import onnx"),
}
SMALL = '<ir_version: 8, opset_import: ["": 13]> g (float[N,4] x) => (float[N,4] y) { y = Softmax(x) }'


def seconds(arguments: tuple[str, ...], folder: Path) -> float:
    """Wall seconds of one command, which has to succeed: else all ends with what it said."""
    begun = time.perf_counter()
    command = [sys.executable, *arguments]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - begun


def retarget(folder: Path) -> tuple[str, ...]:
    """The command that brings a small file, which is written to ``folder``, to opset 7."""
    model = folder / "small.onnx"
    onnx.save(onnx.parser.parse_model(SMALL), model)
    return (*PIPELINE, "retarget", str(model), "--opset", "7")


def main() -> None:
    """Take every command in turn, several rounds, and print the medians."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as small:
        commands = {**COMMANDS, "retarget": retarget(Path(small))}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, arguments in commands.items():
                taken[name].append(seconds(arguments, folder))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, median in medians.items():
        print(f"{name:<20} {median:7.3f} s {median / medians['bare interpreter']:7.1f} x")
    print(f"retarget takes {medians['retarget'] / medians['import onnx']:.1f} times the import of onnx")


if __name__ == "__main__":
    main()
