"""How much memory models need before anything is known of them here, held against what networks took."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

from converters.catalogue import catalogue_file, read_catalogue
from converters.registry import SOURCES
from pipeline.estimates.memory import FRAMEWORK_BYTES, memory_needed, memory_of
from pipeline.workers.processes import AT_ONCE
from tests.pipeline.fake_source import FakeSource

COVERAGE = Path(__file__).parents[3] / "docs" / "coverage"
SWEPT_PICTURES = 4
"""Of a sweep's inputs: one alone, and a batch of three."""


def _peaks(table: Path) -> dict[str, dict[str, int]]:
    """The most bytes of any process of a network in each stage, by the networks' names."""
    peaks: dict[str, dict[str, int]] = defaultdict(dict)
    with table.open() as file:
        for row in csv.DictReader(file):
            of_model = peaks[row["model"].split("/", 1)[1]]
            for stage, resident in re.findall(r"(\w+) (\d+)", row["peak_memory"]):
                of_model[stage] = max(of_model.get(stage, 0), int(resident))
    return peaks


def test_no_network_that_was_swept_took_more() -> None:
    """All of timm below 50 million parameters, of mmcls, of Paddle and of MXNet."""
    larger, held = [], 0
    for table in COVERAGE.glob("*.csv"):
        listed = read_catalogue(SOURCES[table.stem])
        for model, peaks in _peaks(table).items():
            if model not in listed or not (weights := listed[model].bytes) or not peaks:
                continue
            channels, height, width = listed[model].input_size
            needed = memory_needed(weights, SWEPT_PICTURES * channels * height * width * 4)
            # The export is one process; those that verify are so many at a time.
            took = max(peaks.get("export", 0), AT_ONCE * peaks.get("parity", 0))
            held += 1
            if took > needed:
                larger.append((table.stem, model, took, needed))
    assert larger == []
    assert held > 1300


def test_what_a_model_took_here_counts(tiny: FakeSource) -> None:
    [job] = tiny.plan("net").jobs
    unknown = memory_of(job, {}, tiny.folder)
    assert FRAMEWORK_BYTES < unknown < 1.01 * FRAMEWORK_BYTES
    assert memory_of(job, {job.name: {"peak_memory": 5}}, tiny.folder) == AT_ONCE * 5


def test_weights_and_inputs_count(tiny: FakeSource) -> None:
    (tiny.folder / "net.npz").write_bytes(bytes(3_000_000))
    place = catalogue_file(tiny.source)
    place.write_text(place.read_text().replace('"bytes": 160', '"bytes": null'))
    [job] = tiny.plan("net", more="weights: {file: net.npz}").jobs
    [larger] = tiny.plan("net", more="weights: {file: net.npz}\nbatch: 64").jobs
    needed, with_more = (memory_of(each, {}, tiny.folder) for each in (job, larger))
    assert FRAMEWORK_BYTES + 6 * 3_000_000 < needed < with_more
