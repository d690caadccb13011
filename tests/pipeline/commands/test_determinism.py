"""The same job gives the same bytes: in another folder, time zone and locale, and on another day."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pipeline.fake_source import FakeSource
from tests.publishing.zoos import bytes_of

pytestmark = pytest.mark.slow

OTHER_DAY = ("faketime", "-f", "+400d")
ELSEWHERE = {
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONHASHSEED": "7",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
}


def require_other_day() -> None:
    """Skip a test, loudly, where no clock can be faked."""
    if shutil.which(OTHER_DAY[0]) is None:
        pytest.skip("NOT TESTED: another day. Install Debian's package faketime; CI has it.")


def test_the_same_job_gives_the_same_bytes(tiny: FakeSource, tmp_path: Path) -> None:
    """Of every file, lists and pages included; test_default_job.py asks it of the real sources."""
    require_other_day()
    other = tmp_path / "somewhere else" / "entirely"
    other.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    for folder in (tiny.folder, other):
        Image.fromarray(picture).save(folder / "picture.png")
    file = tiny.write("net", "other", opsets="3, 12", more="images: {files: [picture.png]}")
    shutil.copy(file, other)
    first = tiny.command("run", file.name, "--jobs", "2", TZ="UTC", LC_ALL="C.UTF-8")
    second = tiny.command("run", file.name, before=OTHER_DAY, folder=other, **ELSEWHERE)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    here, elsewhere = bytes_of(tiny.folder / "dist"), bytes_of(other / "dist")
    assert {path.rsplit(".", 1)[-1] for path in here} >= {"onnx", "gz", "json", "md", "html", "txt", "jpg"}
    assert len([path for path in here if path.endswith(".onnx")]) == 4
    assert here.keys() == elsewhere.keys()
    assert [path for path in here if here[path] != elsewhere[path]] == []
