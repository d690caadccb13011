"""Runs in stores that are no folder: broken off anywhere, at the same time, and of many units."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import fsspec
import pytest

from publishing.announcement import announce
from publishing.errors import PublishError
from publishing.manifest import CHECKSUMS
from publishing.stores.interface import Content, content_of
from publishing.units import publish, unpublish
from publishing.zoo import Zoo
from tests.publishing.remote_places import content_of_place, watch
from tests.publishing.zoos import description, material, network, pages, publish_in, seen, zoo_in

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("breaks_at", range(1, 10))
def test_a_broken_run_is_taken_up_where_it_broke(place: str, model_file: Path, breaks_at: int) -> None:
    publish_in(place, model_file, description("other"))
    before = content_of_place(place)
    broken = zoo_in(place)
    first = watch(broken, breaks_at)
    with pytest.raises(PublishError, match=r"failed: the connection broke.*run the same command again"):
        _publish_all(broken, model_file)
    whole = {path: data for path, data in content_of_place(place).items() if path in before}
    if first.written[-1] != CHECKSUMS:
        assert {path for path in before if whole[path] != before[path]} <= {"index.html"}
    again = zoo_in(place)
    second = watch(again)
    _publish_all(again, model_file)
    twice = {path for path in first.written if path in second.written and path.endswith((".onnx", ".gz"))}
    assert twice == set()
    publish_in("memory://expected/zoo", model_file, description("other"))
    publish_in("memory://expected/zoo", model_file, description())
    assert content_of_place(place) == content_of_place("memory://expected/zoo")


def _publish_all(zoo: Zoo, model_file: Path) -> None:
    publish(zoo, material(model_file), description())
    announce(zoo, pages)


@pytest.mark.parametrize("kind", ["first", "withdrawn"])
def test_a_run_that_breaks_anywhere_is_taken_up(kind: str, memory: str, model_file: Path) -> None:
    system, before = fsspec.filesystem("memory"), {}
    if kind == "withdrawn":
        publish_in(memory, model_file, seen())
        publish_in(memory, model_file, description("other"))
        before = dict(system.store)

    def run(zoo: Zoo) -> None:
        zoo.require_ours()
        if kind == "first":
            _publish_all(zoo, model_file)
        else:
            unpublish(zoo, ["timm/tiny@9"])
            announce(zoo, pages)

    run(zoo_in(memory))
    expected = content_of_place(memory)
    for breaks_at in count():
        system.store.clear()
        system.store.update(before)
        broken = zoo_in(memory)
        watch(broken, breaks_at)
        try:
            run(broken)
            break
        except PublishError:
            run(zoo_in(memory))
        assert content_of_place(memory) == expected, f"broken before change {breaks_at}"
    assert breaks_at > 10


def test_the_store_is_listed_no_more_often_for_many_units(place: str, model_file: Path) -> None:
    def listings(names: range, key: str) -> int:
        zoo = zoo_in(place)
        watched = watch(zoo)
        for name in names:
            publish(zoo, material(model_file), description(f"model{name}", key=key))
        announce(zoo, pages)
        return len([path for path in watched.listed if ".sending" not in path])

    publish_in(place, model_file, description())
    one = listings(range(1), "abc")
    assert listings(range(1, 7), "abc") == one
    assert listings(range(7), "def") == one  # of units that change, too


def test_two_runs_that_publish_the_same_unit(place: str, model_file: Path, tmp_path: Path) -> None:
    """The one has seen the store before the other published, replaced and withdrew units in it."""
    newer = network(tmp_path / "newer.onnx", 2.0)
    for name in ("tiny", "moved", "gone"):
        publish_in(place, model_file, description(name))
    ours, theirs = zoo_in(place), zoo_in(place)
    publish(ours, material(model_file), description("another"))
    publish(theirs, material(newer, 2.0), description(key="def"))
    publish(theirs, material(model_file), description("moved", family="large"))
    unpublish(theirs, ["timm/gone@9"])
    announce(theirs, pages)
    for name in ("tiny", "moved", "gone"):
        publish(ours, material(model_file), description(name))
    announce(ours, pages)
    expected = "memory://expected/zoo"
    for name in ("tiny", "moved", "gone", "another"):
        publish_in(expected, model_file, description(name))
    assert content_of_place(place) == content_of_place(expected)


def test_a_file_that_somebody_else_was_sending_is_not_trusted(memory: str, model_file: Path) -> None:
    """A broken run of ours and a finished one of theirs: the same sizes, other bytes."""
    publish_in(memory, model_file, description())
    path = "timm/small/model/tiny-9.onnx"
    theirs = bytes(reversed(model_file.read_bytes()))
    store = zoo_in(memory).store
    store.commit({path: content_of(theirs)})
    note = json.dumps({path: content_of(theirs).sha256}).encode()
    fsspec.filesystem("memory").pipe_file("/zoo/of/models/.sending/0123.json", note)
    store.commit({path: Content(model_file, content_of(model_file.read_bytes()).sha256)})
    assert store.read(path) == model_file.read_bytes()
