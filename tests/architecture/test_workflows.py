"""The GitHub workflows fit GitHub's own schema, and the matrix that they are given."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.commands.github_matrix import plan_matrix
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_fits_the_schema(workflow: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    answer = subprocess.run([*command, str(workflow)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


ZOO = Path(__file__).parents[2] / "zoo"


def _convert() -> tuple[str, dict[str, object]]:
    """The job of the zoo's workflow that each row is for: as text, and its steps by their commands."""
    text = (WORKFLOWS[0].parent / "zoo.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["convert"]
    return yaml.safe_dump(job), {step["run"]: step for step in job["steps"] if "run" in step}


def test_a_row_has_what_its_job_asks_of_it() -> None:
    plan = make_plan(read_checked(ZOO / "vgg.yaml"), Selection())
    rows = json.loads(plan_matrix(plan))["include"]
    names = set(re.findall(r"matrix\.(\w+)", _convert()[0]))
    assert names
    assert all(set(row) == names for row in rows)


def test_the_shell_hands_on_every_glob_of_a_row_as_it_is(tmp_path: Path) -> None:
    """The step's own command, in a real shell; a script in the place of Python prints what it is given."""
    [command] = [run for run in _convert()[1] if "pipeline run" in run]
    (tmp_path / "python").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "timm").mkdir()
    globs = ["timm/vgg16@{3,12}", "timm/vgg1[69]*@7"]
    answer = subprocess.run(
        ["bash", "-e", "-c", command],  # noqa: S607 - as GitHub starts it
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PIPELINE_FILE": "a b.yaml", "ONLY": " ".join(globs)},
        capture_output=True,
        text=True,
        check=True,
    )
    only = [word for glob in globs for word in ("--only", glob)]
    assert answer.stdout.split("\n")[:-1] == ["-m", "pipeline", "run", "a b.yaml", *only, "--publish", "dist"]
