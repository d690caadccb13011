"""What a user waits for before any work begins, as ratios to starting a bare interpreter.

``python benchmarks/start_up.py FOLDER``, FOLDER being one in which the default job has run: prints the
median seconds of ``python -c pass``, of ``--help``, and of a run and a plan of a job that is done,
and each as a multiple of the first. All are taken in turn, so that a slow machine slows all of them.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 7
PIPELINE = ("-m", "pipeline")
COMMANDS = {
    "bare interpreter": ("-c", "pass"),
    "--help": (*PIPELINE, "--help"),
    "run, all done": (*PIPELINE, "run", "pipeline.yaml"),
    "plan": (*PIPELINE, "plan", "pipeline.yaml"),
    "environments list": (*PIPELINE, "environments", "list"),
}


def seconds(arguments: tuple[str, ...], folder: Path) -> float:
    """Wall seconds of one command, which has to succeed."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Take every command in turn, several rounds, and print the medians."""
    folder = Path(sys.argv[1])
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            taken[name].append(seconds(arguments, folder))
    bare = statistics.median(taken["bare interpreter"])
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:<20} {median:7.3f} s {median / bare:7.1f} x")


if __name__ == "__main__":
    main()
