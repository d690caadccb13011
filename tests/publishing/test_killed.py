"""A run that is killed at any moment: the next one goes on, and nothing shows that there were two."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from publishing.announcement import announce
from publishing.manifest import CHECKSUMS, read_checksums
from publishing.record import Description
from publishing.units import publish, unpublish
from tests.publishing.killed import ends_before
from tests.publishing.zoos import PICTURE, description, material, network, pages, seen, zoo_in

pytestmark = pytest.mark.slow

Run = Callable[[Path], None]


def published(dist: Path, *units: tuple[Description, Path]) -> None:
    """What a run does, after it has found out as a plan does what is done already."""
    zoo = zoo_in(dist)
    stamps = zoo.store.stamps()
    zoo.require_ours(stamps)
    units_there, listed = zoo.units(stamps), zoo.listed()
    for described, file in units:
        unit = units_there.get(described.name)
        if unit is None or unit.record.key != described.key or not zoo.is_intact(unit, listed):
            pictures = {row["thumbnail"]: PICTURE for row in described.predictions}
            publish(zoo, material(file, pictures=pictures), described)
    announce(zoo, pages)


def withdrawn(dist: Path, *names: str) -> None:
    """What the command does that takes units out of a zoo."""
    zoo = zoo_in(dist)
    zoo.require_ours()
    unpublish(zoo, names)
    announce(zoo, pages)


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every file with its bytes, hidden ones too, and every folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def assert_listed_units_are_whole(dist: Path) -> None:
    """Whoever reads the lists now finds the models that they name."""
    lists = dist / CHECKSUMS
    for path, digest in read_checksums(lists.read_bytes() if lists.exists() else b"").items():
        if "/model/" in path:
            assert hashlib.sha256((dist / path).read_bytes()).hexdigest() == digest, path


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, tuple[Run | None, Run]]:
    """By what they do: a run that makes a zoo, and one that changes it."""
    file, newer = network(tmp_path / "work.onnx"), network(tmp_path / "newer.onnx", 2.0)
    tiny, other = (seen(), file), (description("other"), file)
    return {
        "first": (None, lambda dist: published(dist, tiny)),
        "another": (lambda dist: published(dist, other), lambda dist: published(dist, other, tiny)),
        "changed": (
            lambda dist: published(dist, tiny, other),
            lambda dist: published(dist, (seen(key="def"), newer), other),
        ),
        "moved to an earlier folder": (
            lambda dist: published(dist, tiny),
            lambda dist: published(dist, (seen(key="def", family="large"), file)),
        ),
        "moved to a later folder": (
            lambda dist: published(dist, tiny),
            lambda dist: published(dist, (seen(key="def", family="wide"), file)),
        ),
        "withdrawn": (
            lambda dist: published(dist, tiny, other),
            lambda dist: withdrawn(dist, "timm/tiny@9"),
        ),
        "all withdrawn": (lambda dist: published(dist, tiny), lambda dist: withdrawn(dist, "timm/tiny@9")),
    }


@pytest.mark.parametrize(
    "kind",
    [
        *("first", "another", "changed", "withdrawn", "all withdrawn"),
        *("moved to an earlier folder", "moved to a later folder"),
    ],
)
def test_a_run_that_is_killed_anywhere_is_taken_up(
    kind: str, tmp_path: Path, runs: dict[str, tuple[Run | None, Run]]
) -> None:
    before, run = runs[kind]
    base, undisturbed, dist = tmp_path / "base", tmp_path / "undisturbed", tmp_path / "dist"
    if before:
        before(base)
        shutil.copytree(base, undisturbed)
    run(undisturbed)
    expected = everything(undisturbed)
    for number in count(1):
        if before:
            shutil.copytree(base, dist)
        if ends_before(number, lambda: run(dist), dist):
            break
        if dist.exists():
            assert_listed_units_are_whole(dist)
        run(dist)
        assert everything(dist) == expected, f"killed before change {number}"
        shutil.rmtree(dist)
    assert number > 20
