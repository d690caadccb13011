"""What all of timm takes at ten opsets, from a sample of it; written to docs/scale.md.

``python -m benchmarks.scale [COUNT]``: COUNT networks of each class of size (4 unless it is given), drawn by
a seed, are run one after the other, each alone in a new folder, with random weights. It needs the environment
of timm, 20 GB of disk, and half an hour of two quiet processors. What is estimated is a sum over all networks
of timm whose weights one ONNX file can have, by the ratio to the bytes of the weights in each class.
"""

from __future__ import annotations

import datetime
import heapq
import os
import random
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path

from benchmarks.jobs import write_job_of_timm
from benchmarks.start_up import PIPELINE, seconds
from converters.catalogue import read_catalogue
from converters.registry import SOURCES
from opsets.files.storage import LARGEST_FILE
from pipeline.estimates.history import read_history
from pipeline.system.processor import processor

COUNT = 4
SEED = 0
EDGES = (0, 24e6, 80e6, 200e6, 400e6, 800e6, float(LARGEST_FILE))
"""Bytes of weights between which a class of sizes lies. Of the last nothing is run: its files would need
more disk than most machines have, and each byte is taken to cost what it does in the class before it."""
WORKERS = (1, 8, 32, 128, 512)
DOCUMENT = Path(__file__).parents[1] / "docs/scale.md"
HEADING = "## What all of timm takes\n"


@dataclass(frozen=True)
class Cost:
    """What one network took."""

    weights: int
    """Bytes."""
    seconds: float
    published: int
    """Bytes of all files of the zoo."""
    peak_memory: int
    """Bytes: the most that one process held."""


@dataclass(frozen=True)
class SizeClass:
    """The networks of a class of sizes, and what those of them took that were run."""

    weights: tuple[int, ...]
    """Bytes of each network's."""
    costs: tuple[Cost, ...]

    def ratio(self, what: str) -> float:
        """``seconds`` or ``published`` for each byte of weights."""
        weights = sum(cost.weights for cost in self.costs)
        return float(sum(getattr(cost, what) for cost in self.costs) / weights)

    @property
    def doubt(self) -> float:
        """The standard error of the seconds of all its networks (Cochran, Sampling Techniques, 6.4)."""
        ratio, count = self.ratio("seconds"), len(self.costs)
        squares = sum((cost.seconds - ratio * cost.weights) ** 2 for cost in self.costs)
        return len(self.weights) * sqrt(squares / max(1, count - 1) / count)


def sizes() -> dict[str, int]:
    """Bytes of the weights of every network of timm; none differs from another in its weights alone."""
    listed = read_catalogue(SOURCES["timm"])
    return {name: 4 * each.parameters for name, each in listed.items() if each.parameters and "." not in name}


def drawn(networks: Mapping[str, int], count: int) -> list[list[str]]:
    """``count`` networks of each class but the last, or all where it has fewer."""
    generator = random.Random(SEED)  # noqa: S311 - no secret
    classes = [sorted(_between(networks, low, high)) for low, high in list(pairwise(EDGES))[:-1]]
    return [generator.sample(names, min(count, len(names))) for names in classes]


def _between(networks: Mapping[str, int], low: float, high: float) -> list[str]:
    return [name for name, weights in networks.items() if low <= weights < high]


def measured(name: str, weights: int) -> Cost:
    """What a run of one network takes. Raises subprocess.CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_job_of_timm(Path(folder), [name])
        taken = seconds((*PIPELINE, "run", file.name), Path(folder))
        published = sum(path.stat().st_size for path in Path(folder, "zoo").rglob("*") if path.is_file())
    peak = int(read_history()[f"timm/{name}"]["peak_memory"])
    print(f"{name}: {weights / 1e6:.0f} MB, {taken:.0f} s, {peak / 1e9:.2f} GB of memory", flush=True)
    return Cost(weights, taken, published, peak)


def wall_seconds(durations: Iterable[float], workers: int) -> float:
    """How long so many workers take, the longest given out first, each to the next who is free."""
    free = [0.0] * workers
    for duration in sorted(durations, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)


def section(classes: Sequence[SizeClass], left_out: int) -> str:
    """What docs/scale.md says, in Markdown."""
    estimated = [*classes[:-1], SizeClass(classes[-1].weights, classes[-2].costs)]
    durations = [each.ratio("seconds") * weights for each in estimated for weights in each.weights]
    published = sum(each.ratio("published") * sum(each.weights) for each in estimated)
    doubt = sqrt(sum(each.doubt**2 for each in estimated))
    when = datetime.datetime.now(datetime.UTC).date()
    rows = "".join(_row(each, *edges) for each, edges in zip(estimated, pairwise(EDGES), strict=True))
    return f"""{HEADING}
Written by `python -m benchmarks.scale`, {when}, {processor()[0]}, {os.cpu_count()} cores: networks drawn by a
seed from each class of sizes, each run alone at ten opsets with random weights. The others of a class are
estimated by its seconds and bytes for each byte of weights. {left_out} networks have more weights than one
ONNX file can have, and are left out.

| weights | networks | run | seconds of one | most memory of a process | hours of all | published |
|---|---:|---:|---:|---:|---:|---:|
{rows}
All {len(durations)} networks take **{sum(durations) / 3600:.0f} hours** of one worker, such a machine with
one model at a time, give or take {doubt / 3600:.0f} (a standard error), and **{published / 1e12:.1f} TB**
of zoo. The longest network takes {max(durations) / 60:.0f} minutes, and no number of workers is faster.

| workers | hours | written into the zoo, MB/s | of the workers' time used |
|---:|---:|---:|---:|
{"".join(_workers(durations, published, workers) for workers in WORKERS)}
The next bottleneck is the zoo's store: all workers write into it, and a link of 10 Gbit/s takes 1250 MB/s.
Behind it is the longest network, which one worker makes."""


def _row(each: SizeClass, low: float, high: float) -> str:
    ran = [cost for cost in each.costs if low <= cost.weights < high]
    taken, peaks = [cost.seconds for cost in ran], [cost.peak_memory / 1e9 for cost in ran]
    weights = sum(each.weights)
    cells = [
        f"{low / 1e6:.0f} to {high / 1e6:.0f} MB",
        len(each.weights),
        len(ran),
        f"{min(taken):.0f} to {max(taken):.0f}" if ran else "",
        f"{max(peaks):.1f} GB" if ran else "",
        f"{each.ratio('seconds') * weights / 3600:.1f}",
        f"{each.ratio('published') * weights / 1e12:.2f} TB",
    ]
    return f"| {' | '.join(map(str, cells))} |\n"


def _workers(durations: Sequence[float], published: float, workers: int) -> str:
    wall = wall_seconds(durations, workers)
    used = sum(durations) / workers / wall
    return f"| {workers} | {wall / 3600:.1f} | {published / wall / 1e6:.0f} | {used:.0%} |\n"


def main(count: int = COUNT) -> None:
    """Run the sample, and write the section."""
    networks = sizes()
    costs = [tuple(measured(name, networks[name]) for name in names) for names in drawn(networks, count)]
    classes = [
        SizeClass(tuple(networks[name] for name in _between(networks, low, high)), ran)
        for (low, high), ran in zip(pairwise(EDGES), [*costs, ()], strict=True)
    ]
    left_out = sum(weights >= EDGES[-1] for weights in networks.values())
    before = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)[0].rstrip()
    DOCUMENT.write_text(f"{before}\n\n{section(classes, left_out).rstrip()}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
