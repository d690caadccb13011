"""The matrix for GitHub Actions: few enough rows, and together all that is to do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from converters.catalogue import read_catalogue
from converters.registry import SOURCES
from pipeline.commands.github_matrix import MOST_ROWS, plan_matrix
from pipeline.planning.jobs import Plan
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection

ZOO = Path(__file__).parents[3] / "zoo"
TIMM = list(read_catalogue(SOURCES["timm"]))[:300]
MXNET = list(read_catalogue(SOURCES["mxnet"]))[:3]


def _plan(path: Path, only: tuple[str, ...] = ()) -> Plan:
    return make_plan(read_checked(path), Selection(only))


def _rows(plan: Plan) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(plan_matrix(plan))["include"]
    return rows


def _is_covered(path: Path) -> bool:
    """Whether the rows select every unit of a file, each once."""
    everything = _plan(path)
    selections = [Selection(tuple(row["only"].split())) for row in _rows(everything)]
    return all(
        sum(selection.takes(job.name, unit.version) for selection in selections) == 1
        for job in everything.jobs
        for unit in job.units
    )


def test_a_large_file_is_a_row_for_each_model() -> None:
    plan = _plan(ZOO / "vgg.yaml")
    assert len(plan.units) > MOST_ROWS
    rows = _rows(plan)
    assert [row["name"] for row in rows] == [job.name for job in plan.jobs]
    assert rows[0] == {
        "name": "timm/vgg11",
        "source": "timm",
        "only": "timm/vgg11@{3,4,5,6,7,8,9,10,11,12}",
    }
    assert _is_covered(ZOO / "vgg.yaml")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file with more models than a matrix has rows, of two sources."""
    names, others = ", ".join(TIMM), ", ".join(MXNET)
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        "publish: dist\nopsets: [7, 9]\nmodels:\n"
        f"  - {{source: timm, models: [{names}]}}\n  - {{source: mxnet, models: [{others}]}}\n"
    )
    return path


def test_more_models_than_rows_share_them_by_source(many: Path) -> None:
    rows = _rows(_plan(many))
    assert len(rows) == 150 + 2
    assert rows[0]["name"] == f"timm/{TIMM[0]} and 1 more"
    assert rows[0]["only"] == f"timm/{TIMM[0]}@{{7,9}} timm/{TIMM[1]}@{{7,9}}"
    assert [row["name"] for row in rows[150:]] == [f"mxnet/{MXNET[0]} and 1 more", f"mxnet/{MXNET[2]}"]
    assert all(glob.startswith(row["source"] + "/") for row in rows for glob in row["only"].split())
    assert len({row["name"] for row in rows}) == len(rows)
    assert _is_covered(many)


def test_what_is_done_is_in_no_row(many: Path) -> None:
    plan = _plan(many, ("mxnet/*",))
    first, second, third = plan.jobs
    done = [replace(unit, done=True) for unit in first.units]
    jobs = (
        replace(first, units=tuple(done)),
        replace(second, units=(done[0], second.units[1])),
        third,
    )
    assert [row["only"] for row in _rows(replace(plan, jobs=jobs))] == [
        f"mxnet/{MXNET[1]}@9",
        f"mxnet/{MXNET[2]}@{{7,9}}",
    ]
    assert plan_matrix(replace(plan, jobs=jobs[:1])) == '{"include": []}'
