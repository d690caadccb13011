"""The pipeline file of a sweep can be planned, whatever the models of a source are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.registry import SOURCES
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.sweeps.pipeline_file import SweepSettings, models_of, write_pipeline_file
from pipeline.sweeps.rows import row_name


@pytest.mark.parametrize("source", [name for name in SOURCES if SOURCES[name].is_framework])
def test_every_model_of_a_source_is_planned_and_noted_under_its_own_name(source: str, tmp_path: Path) -> None:
    settings = SweepSettings(source, (), (12,), max_parameters=None, seconds=60, memory_gib=1)
    names = models_of(settings)
    file = write_pipeline_file(settings, names, tmp_path)
    jobs = make_plan(read_checked(file), Selection(publish=None)).jobs
    assert sorted(row_name(job) for job in jobs) == [f"{source}/{name}" for name in names]
    assert len({job.name.lower() for job in jobs}) == len(names)
