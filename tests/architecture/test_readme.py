"""What the README shows is what the program prints, and its example is a file that the program takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from converters.registry import SOURCES
from pipeline.errors import UsageError
from pipeline.planning.planner import read_checked

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_commands_are_those_of_the_program() -> None:
    environment = {**os.environ, "COLUMNS": "110"}
    command = [sys.executable, "-m", "pipeline", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    commands = answer.stdout[answer.stdout.index("Commands:") :].rstrip()
    assert commands in README


def test_the_example_is_a_pipeline_file(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "pipeline.yaml").write_text(example, encoding="utf-8")
    file = read_checked(tmp_path / "pipeline.yaml").file
    assert file.models[0].patterns == ("tf_efficientnet_lite0",)


@pytest.mark.parametrize("name", SOURCES)
def test_the_table_has_every_source_and_what_it_reads(name: str) -> None:
    [row] = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    assert re.findall(r"`(\.[\w.]+)`", row) == list(SOURCES[name].weights_suffixes)


EXAMPLES = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "docs/your-own-model.md").read_text(encoding="utf-8"), re.DOTALL
)


def test_there_is_a_case_of_ones_own_for_each_source(tmp_path: Path) -> None:
    """Only the files that it speaks of are missing."""
    told = set()
    for example in EXAMPLES:
        (tmp_path / "mine.yaml").write_text(example, encoding="utf-8")
        told |= {entry["source"] for entry in yaml.safe_load(example)["models"]}
        with pytest.raises(UsageError) as caught:
            read_checked(tmp_path / "mine.yaml")
        assert [line for line in str(caught.value).splitlines() if "there is no f" not in line] == []
    assert told == set(SOURCES)


def test_every_link_leads_somewhere() -> None:
    for document in (*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert "://" in target or (document.parent / target).exists(), f"{document.name}: {target}"
