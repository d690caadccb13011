"""Environments with pinned packages on top of their lock."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from converters.interface import Source
from pipeline.environments import building
from pipeline.environments.run_environments import RunEnvironments
from pipeline.environments.spec import spec_of
from pipeline.errors import EnvironmentBuildError
from tests.pipeline.environments.test_building import NEVER, source

__all__ = ["source"]


def _add_wheel(folder: Path, name: str, needs: str = "") -> str:
    """A package of version 1.0 in the folder that pip is told of; its sha256."""
    path, information = folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    required = f"Requires-Dist: {needs}\n" if needs else ""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(
            f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{required}"
        )
        archive.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{information}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_pinned_package_is_added_and_its_digests_are_known(source: Source, tmp_path: Path) -> None:
    digest = _add_wheel(tmp_path / "wheels", "blocks", "framework>=1.0")
    plain = spec_of(source)
    run = RunEnvironments(stop=NEVER, say=(lines := list[str]()).append)
    made = run.ensure(source, ("blocks==1.0",))
    assert lines == ["building the tiny environment with blocks==1.0 (once)"]
    assert (made.packages["framework"], made.packages["blocks"]) == ("1.0", "1.0")
    assert made.added == {"blocks==1.0": [digest]}
    assert made.description.identity != plain.identity
    assert building.existing(source) is None
    assert building.existing(source, ("blocks==1.0",)) == made
    assert building.remove(source, stop=NEVER) == [made.description.folder]


def test_the_order_of_requirements_makes_no_other_environment(source: Source) -> None:
    first, second = (spec_of(source, names) for names in (["a==1", "b==1"], ["b==1", "a==1"]))
    assert first.identity == second.identity
    assert spec_of(source, ["a==1"]).identity != first.identity
    assert spec_of(source, []).identity == spec_of(source).identity


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ("absent>=2", "blocks requires `absent>=2`, but"),
        ("framework>=2", "blocks requires `framework>=2`, but"),
    ],
)
def test_what_a_package_needs_has_to_be_there(
    source: Source, tmp_path: Path, needs: str, expected: str
) -> None:
    _add_wheel(tmp_path / "wheels", "blocks", needs)
    run = RunEnvironments(stop=NEVER, say=(lines := list[str]()).append)
    for _ in range(2):
        with pytest.raises(EnvironmentBuildError) as caught:
            run.ensure(source, ("blocks==1.0",))
        assert expected in str(caught.value)
        assert "Add what is missing to requirements, each with its version" in str(caught.value)
    assert len([line for line in lines if line.startswith("building")]) == 1
    assert run.failure(source, ("blocks==1.0",))
    assert run.failure(source) is None
    assert building.existing(source, ("blocks==1.0",)) is None


def test_a_package_that_nobody_has_is_told(source: Source) -> None:
    with pytest.raises(EnvironmentBuildError, match=r"(?s)not be built.*blocks.*Check name and version"):
        building.ensure(source, ("blocks==1.0",), stop=NEVER, say=print)


def test_a_package_of_sources_is_told_and_nothing_of_it_is_run(source: Source, tmp_path: Path) -> None:
    program = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n".encode()
    with tarfile.open(tmp_path / "wheels/blocks-1.0.tar.gz", "w:gz") as archive:
        for name, text in (("setup.py", program), ("PKG-INFO", b"Name: blocks\nVersion: 1.0\n")):
            member = tarfile.TarInfo(f"blocks-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    with pytest.raises(EnvironmentBuildError, match=r"(?s)blocks.*wheel.*nothing is built from sources"):
        building.ensure(source, ("blocks==1.0",), stop=NEVER, say=print)
    assert not (tmp_path / "ran").exists()
