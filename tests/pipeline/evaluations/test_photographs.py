"""Real weights on real labelled photographs, through the commands: the accuracy that others measured too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.evaluations.photographs import DIGESTS, make_photographs

pytestmark = pytest.mark.timm
ROOT = Path(__file__).parents[3]


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained models of the default job at opset 12, evaluated beside their source."""
    folder = tmp_path_factory.mktemp("photographs")
    shutil.copy(ROOT / "pipeline.yaml", folder)
    make_photographs(folder / "photographs")
    only = ("--only", "timm/*@12")
    ran = command(folder, "run", "pipeline.yaml", *only)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counted = command(folder, "evaluate", "pipeline.yaml", *only, "--data", "photographs", "--against-source")
    assert counted.returncode == 0, counted.stdout + counted.stderr
    return folder


def figure(folder: Path, model: str) -> dict[str, Any]:
    record = json.loads((folder / f"dist/timm/efficientnet/model/{model}-12.record.json").read_text())
    [found] = record["accuracy"]
    return dict(found)


@pytest.mark.parametrize(
    ("model", "top1", "top5"), [("tf_efficientnet_lite0", 22, 23), ("tf_efficientnet_lite1", 22, 24)]
)
def test_a_trained_model_knows_the_photographs_as_its_source_does(
    evaluated: Path, model: str, top1: int, top5: int
) -> None:
    found = figure(evaluated, model)
    assert found["data_set"]["pictures"] == len(DIGESTS) == 24
    assert (found["top1"]["right"], found["top5"]["right"]) == (top1, top5)
    assert (found["source"]["top1"]["right"], found["source"]["top5"]["right"]) == (top1, top5)
    assert found["source"]["differing"] == []


def test_card_and_page_show_it_and_the_zoo_stays_whole(evaluated: Path) -> None:
    for name in ("README.md", "tf_efficientnet_lite1.html"):
        text = (evaluated / "dist/timm/efficientnet" / name).read_text()
        assert "91.67% (74.15 to 97.68), 22 of 24" in text
        assert "photographs (24 pictures)" in text
    verified = command(evaluated, "verify", "dist")
    assert verified.returncode == 0, verified.stdout
