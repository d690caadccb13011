"""Each source's fp32 file in onnxruntime beside its framework: the ratio of the medians, at most 1.

``python benchmarks/latency_sources.py FILE...``: the pipeline files, whose models have to be published, are
timed with ``python -m pipeline benchmark`` on the same inputs in the same run, the same threads pinned to the
same processors, both with default options. Prints a line for each model and batch.
"""

from __future__ import annotations

import json
import subprocess
import sys

LIMIT = 1.0


def main() -> None:
    """Time all units of the files, and print the ratios; exit code 1 where one is above the limit."""
    if not sys.argv[1:]:
        raise SystemExit(__doc__)
    command = [sys.executable, "-m", "pipeline", "benchmark", *sys.argv[1:], "--format", "json"]
    measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    slower = 0
    for benchmark in measured:
        for batch, figures in benchmark["runtimes"]["onnxruntime"]["batches"].items():
            ratio = figures["ratio"]
            slower += ratio is None or ratio > LIMIT
            said = "not timed" if ratio is None else f"{ratio:.2f}"
            print(f"{benchmark['name']:<50} batch {batch:>2}: {said}")
    raise SystemExit(1 if slower else 0)


if __name__ == "__main__":
    main()
