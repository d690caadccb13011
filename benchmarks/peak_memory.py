"""The most memory that any process of a run takes, as a multiple of the model's weights.

``python benchmarks/peak_memory.py [SOURCE]...``: publishes the largest common model of each source, VGG-16 or
VGG-19 (0.55 GB), with random weights, and with those of files and folders that the framework itself wrote, in
the formats that the source reads; the RepVGG-B3 of timm and of mmcls (0.44 GB), fused for inference; and
int8, int8-qdq and fp16 of torchvision's VGG-16, where calibration and gate have more than one stride. Each
is published at opsets that every runtime is asked about and at 12, which is verified while those before it
are published, with four pictures beside the noise; lower precisions at two opsets. All processes of the runs
are watched: the pipeline's own, the exports, and the runtimes. The temporary folder takes 10 GB.

Counted is what the system says was resident at most, in which files that are mapped into memory count as far
as they have been read, and in which the framework's own code counts. The promise: less than 3 times the
published file for every process of every source, and for lower precisions the activations of one stride of
pictures beside it; the exit code is 1 where one breaks it.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import psutil
from PIL import Image
from vgg_files import CALIBRATION, MEASURED

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from converters.interface import WORKER_MODULES  # noqa: E402
from converters.registry import SOURCES  # noqa: E402
from pipeline.environments import building  # noqa: E402
from pipeline.workers.reduction_worker import STRIDE  # noqa: E402

OPSETS = (4, 5, 6, 12)
PROMISE = 3.0
PICTURES = 4
CALIBRATED = 60
POLL_SECONDS = 0.01

PIPELINE = """\
publish: dist
opsets: [{opsets}]
models:
  - {{source: {source}, {entry}, images: {{files: [{pictures}]}}, parity: {{caffe2: {caffe2}}}}}
"""


def write_weights(source: str, folder: Path) -> None:
    """Write the weights of ``source`` to ``folder`` in all formats, in its environment, built if need be."""
    environment = building.ensure(SOURCES[source], stop=threading.Event(), say=print)
    modules = os.pathsep.join(map(str, (WORKER_MODULES, SOURCES[source].folder)))
    variables = {**os.environ, **environment.description.variables, "PYTHONPATH": modules}
    recipe = MEASURED[source].recipe.format(model=MEASURED[source].model)
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [environment.python, "-c", recipe], cwd=folder, env=variables, stdout=log, stderr=log, check=True
        )


def write_job(folder: Path, source: str, entry: str) -> None:
    """Write the pipeline file of one model, and its pictures: seeded blocks of colour."""
    generator = np.random.default_rng(0)
    (folder / CALIBRATION).mkdir(exist_ok=True)
    names = [f"{number}.png" for number in range(PICTURES)]
    for name in (*names, *(f"{CALIBRATION}/{number}.png" for number in range(CALIBRATED))):
        blocks = generator.integers(0, 256, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(blocks).resize((320, 320)).save(folder / name)
    job = PIPELINE.format(
        opsets=", ".join(map(str, OPSETS[2:] if "precisions" in entry else OPSETS)),
        source=source,
        entry=entry,
        pictures=", ".join(names),
        caffe2=str(source == "caffe2").lower(),
    )
    (folder / "pipeline.yaml").write_text(job, encoding="utf-8")


def part_of(process: psutil.Process) -> str:
    """What a process of a run is: the pipeline itself, an export, a reduction, or a runtime by its name.

    A fork has the command line of its server, and works in the folder of its call.
    """
    command, folder = process.cmdline(), Path(process.cwd())
    if any("reduction_worker" in argument for argument in command):
        return "reduction"
    if any(argument.endswith("start_worker.py") for argument in command):
        return folder.parent.name if (folder / "request.json").exists() else "servers of runtimes"
    return "export" if any(argument.endswith("export.py") for argument in command) else "pipeline"


def most_resident(process: psutil.Process) -> int:
    """The most bytes that a process had resident so far, as Linux counts them."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def watch(run: subprocess.Popen[bytes]) -> dict[str, int]:
    """The most bytes that each part of ``run`` had resident, until it ends."""
    peaks: dict[str, int] = {}
    whole = psutil.Process(run.pid)
    while run.poll() is None:
        for process in [whole, *whole.children(recursive=True)]:
            try:
                part, resident = part_of(process), most_resident(process)
            except (psutil.Error, OSError, ValueError, IndexError):
                continue  # it ended, or is about to
            peaks[part] = max(peaks.get(part, 0), resident)
        time.sleep(POLL_SECONDS)
    return peaks


def measure(source: str, entry: str, folder: Path) -> tuple[dict[str, int], int, float]:
    """The most bytes of each part of a run that publishes ``entry``; those of its file, and those allowed."""
    write_job(folder, source, entry)
    command = [sys.executable, "-m", "pipeline", "run", "pipeline.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log:
        run = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        peaks = watch(run)
    if run.returncode:
        raise SystemExit(f"{source}: the run failed\n{(folder / 'log').read_text(encoding='utf-8')}")
    largest = max(folder.glob("dist/**/*.onnx"), key=lambda file: file.stat().st_size)
    weights = largest.stat().st_size
    allowed = PROMISE * weights + (STRIDE * activations(largest) if "precisions" in entry else 0)
    shutil.rmtree(folder / "dist")
    return peaks, weights, allowed


def activations(file: Path) -> int:
    """The bytes of all tensors in float32 that the nodes of a model make of one picture."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(file)).graph
    shapes = [[dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim] for value in graph.value_info]
    return 4 * sum(map(math.prod, shapes))


def main() -> None:
    """Measure one source after the other, and hold each process against the promise."""
    broken = 0
    for source in sys.argv[1:] or MEASURED:
        with tempfile.TemporaryDirectory() as folder:
            write_weights(source, Path(folder))
            for what, entry in MEASURED[source].entries().items():
                peaks, weights, allowed = measure(source, entry, Path(folder))
                print(f"{source}, {what}, {weights / 1e6:.0f} MB: {entry}", flush=True)
                for part, peak in sorted(peaks.items(), key=lambda item: -item[1]):
                    print(f"  {part:<20} {peak / 1e6:6.0f} MB {peak / weights:5.2f} x", flush=True)
                    broken += peak >= allowed
    if broken:
        raise SystemExit(f"{broken} processes took more than is promised")


if __name__ == "__main__":
    main()
