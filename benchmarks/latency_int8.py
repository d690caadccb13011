"""What int8 buys: VGG-16 in onnxruntime at batch 1, and the size of its file, as ratios to fp32.

``python benchmarks/latency_int8.py FOLDER PICTURES``: publishes torchvision's vgg16 with lively weights into
FOLDER at opset 12, quantises the file with ``python -m pipeline quantize`` on the folder PICTURES, and times
both in turns. The promise, on a processor that sums products of bytes in 32 bits (VNNI): at least 2.31
times as fast, and at most 0.27 of the size. On others: faster at all; by how much is printed.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.latency.processor import has_vnni

FASTER, SMALLER = 2.31, 0.27
ROUNDS = 3
LOOSE = ("--pictures", "16", "--gate-pictures", "4", "--min-agreement", "0.1", "--min-cosine", "0.9")
"""Weights that have learned nothing answer to small errors; and times are all that is looked at here."""
PIPELINE = """\
publish: dist
opsets: 12
models:
  - source: torchvision
    model: vgg16
    weights: {random: 0}
"""


def pipeline(folder: Path, *arguments: str) -> str:
    """What ``python -m pipeline`` prints, which has to succeed."""
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def timed(folder: Path, model: Path) -> tuple[float, dict[str, Any]]:
    """The median seconds of one picture in onnxruntime, and what is known of the processor."""
    options = ("--batch", "1", "--rounds", "20", "--format", "json")
    [measured] = json.loads(pipeline(folder, "benchmark", str(model), *options))
    return measured["runtimes"]["onnxruntime"]["batches"]["1"]["median"], measured["processor"]


def main() -> None:
    """Time both files in turns, and print the ratios of their medians and sizes."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1]).absolute()
    pictures = Path(sys.argv[2]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vgg16.yaml").write_text(PIPELINE, encoding="utf-8")
    pipeline(folder, "run", "vgg16.yaml")
    fp32, int8 = folder / "dist/torchvision/vgg/model/vgg16-12.onnx", folder / "vgg16-12-int8.onnx"
    if not int8.exists():
        pipeline(folder, "quantize", str(fp32), "--images", str(pictures), "-o", str(int8), *LOOSE)
    times: dict[Path, list[float]] = {fp32: [], int8: []}
    processor: dict[str, Any] = {}
    for _ in range(ROUNDS):
        for model, medians in times.items():
            median, processor = timed(folder, model)
            medians.append(median)
    before, after = (statistics.median(medians) for medians in times.values())
    speed, size = before / after, int8.stat().st_size / fp32.stat().st_size
    vnni = has_vnni(processor["flags"])
    wanted = FASTER if vnni else 1.0
    print(f"{processor['name']}, {'with' if vnni else 'without'} VNNI")
    print(f"fp32 {1000 * before:.1f} ms, int8 {1000 * after:.1f} ms: {speed:.2f} times, at least {wanted}")
    print(f"size: {size:.3f} of fp32; at most {SMALLER}")
    raise SystemExit(0 if speed >= wanted and size <= SMALLER else 1)


if __name__ == "__main__":
    main()
