"""Archives that anybody may have made: what is damaged or made to harm is refused, each in its own words."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from publishing.archive import write_archive
from publishing.deflated import DeflatedWeights
from publishing.inspection.archive_reading import Unpacked, unpack
from publishing.inspection.archive_stream import ArchiveError, Bounds, bounds_for
from tests.publishing import verified_zoo

STEM = "tiny-7"
GOOD = (
    STEM,
    f"{STEM}/{STEM}.onnx",
    f"{STEM}/test_data_set_0",
    f"{STEM}/test_data_set_0/input_0.pb",
    f"{STEM}/test_data_set_0/output_0.pb",
)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive as it is published."""
    import onnx

    model = verified_zoo.network(7)
    onnx.save(model, tmp_path / f"{STEM}.onnx")
    file = tmp_path / f"{STEM}.tar.gz"
    with DeflatedWeights(tmp_path) as weights:
        write_archive(tmp_path / f"{STEM}.onnx", model, verified_zoo.data_sets(), file, weights)
    return file


Member = tuple[tarfile.TarInfo, bytes]


def entry(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> Member:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, link
    header.size = len(content) if kind == tarfile.REGTYPE else 0
    return header, content


def write(folder: Path, *entries: Member) -> Path:
    """Write an archive by hand."""
    file = folder / f"{STEM}.tar.gz"
    with tarfile.open(file, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for header, content in entries:
            archive.addfile(header, io.BytesIO(content))
    return file


def good(names: tuple[str, ...] = GOOD) -> list[Member]:
    return [entry(name, kind=tarfile.REGTYPE if Path(name).suffix else tarfile.DIRTYPE) for name in names]


def read(archive: Path, bounds: Bounds | None = None, stem: str | None = STEM) -> Unpacked:
    folder = archive.parent / "unpacked"
    folder.mkdir()
    return unpack(archive, folder, bounds or bounds_for(archive.stat().st_size), stem=stem)


def test_what_is_published_is_unpacked(archive: Path) -> None:
    unpacked = read(archive)
    assert unpacked.problems == ()
    assert unpacked.model is not None
    assert unpacked.model.read_bytes() == (archive.parent / f"{STEM}.onnx").read_bytes()
    assert [data_set.name for data_set in unpacked.data_sets] == ["test_data_set_0", "test_data_set_1"]
    assert [file.name for file in unpacked.data_sets[1].inputs] == ["input_0.pb"]
    assert [file.name for file in unpacked.data_sets[1].outputs] == ["output_0.pb"]


def test_another_writers_archive_is_unpacked(tmp_path: Path) -> None:
    """GNU's form, ``./`` before names, no entries for folders, a name of more than 100 letters."""
    long = "model-" + 110 * "n"
    file = tmp_path / "other.tar.gz"
    with tarfile.open(file, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        for name in (f"./{STEM}/{long}.onnx", *(f"./{name}" for name in GOOD[3:])):
            header, content = entry(name)
            archive.addfile(header, io.BytesIO(content))
    unpacked = read(file)
    assert unpacked.problems == ()
    assert unpacked.model is not None
    assert unpacked.model.stem == long


HARMFUL = {
    "absolute": (entry("/etc/cron.d/job"), "is an absolute path"),
    "above": (entry(f"{STEM}/../../evil.onnx"), "leads out of its folder"),
    "backslash": (entry(f"{STEM}\\..\\evil.onnx"), "is not the same path on every system"),
    "drive": (entry("C:evil.onnx"), "is not the same path on every system"),
    "control": (entry(f"{STEM}/a\x1b[2J.onnx"), "is not the same path on every system"),
    "symbolic link": (
        entry(f"{STEM}/x.onnx", kind=tarfile.SYMTYPE, link="/etc/x"),
        "is a symbolic link",
    ),
    "hard link": (entry(f"{STEM}/x.onnx", kind=tarfile.LNKTYPE, link="../../x"), "is a hard link"),
    "pipe": (entry(f"{STEM}/x.onnx", kind=tarfile.FIFOTYPE), "is a named pipe"),
    "device": (entry(f"{STEM}/x.onnx", kind=tarfile.CHRTYPE), "is a device"),
    "sparse": (entry(f"{STEM}/x.onnx", kind=tarfile.GNUTYPE_SPARSE), "is a sparse file"),
    "twice": (entry(f"{STEM}/{STEM}.onnx"), "is there twice"),
    "case": (entry(f"{STEM}/{STEM.upper()}.onnx"), "differs in case alone"),
    "second top": (entry("other/x.onnx"), "has two top folders, 'tiny-7' and 'other'"),
    "beside": (entry("x.onnx"), "has two top folders"),
    "macOS": (entry(f"{STEM}/._tiny-7.onnx"), "a file of macOS's own"),
    "script": (entry(f"{STEM}/setup.py"), "holds 'tiny-7/setup.py'; one folder"),
    "other folder": (entry(f"{STEM}/test_data_set_00", kind=tarfile.DIRTYPE), "are all that may be there"),
    "data beside": (entry(f"{STEM}/input_0.pb"), "are all that may be there"),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_what_was_made_to_harm_is_refused_before_it_is_written(kind: str, tmp_path: Path) -> None:
    harmful, words = HARMFUL[kind]
    before = {path for path in tmp_path.parent.rglob("*") if "unpacked" not in path.parts}
    archive = write(tmp_path, *good(), harmful)
    with pytest.raises(ArchiveError, match=words.replace("(", r"\(")):
        read(archive)
    after = {path for path in tmp_path.parent.rglob("*") if "unpacked" not in path.parts}
    assert after - before == {archive}
    written = {
        path.relative_to(tmp_path / "unpacked").as_posix() for path in (tmp_path / "unpacked").rglob("*")
    }
    assert written == set(GOOD)
    assert not any(path.is_symlink() for path in (tmp_path / "unpacked").rglob("*"))


def test_a_bomb_does_not_fill_the_disk(tmp_path: Path) -> None:
    archive = write(tmp_path, *good(GOOD[:1]), entry(GOOD[1], bytes(100 << 20)))
    assert archive.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match="fill the disk: it unpacks to more than 67,108,864 bytes"):
            read(archive)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(path.stat().st_size for path in (tmp_path / "unpacked").rglob("*.onnx")) <= 64 << 20
    assert peak < 16 << 20


def test_a_bomb_behind_the_end_is_found(tmp_path: Path) -> None:
    archive = write(tmp_path, *good())
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()) + bytes(100 << 20)))
    with pytest.raises(ArchiveError, match="made to fill the disk"):
        read(archive)


def test_a_bomb_of_metadata_is_found(tmp_path: Path) -> None:
    header, content = entry(GOOD[1])
    header.pax_headers = {"comment": 40_000_000 * "z"}
    with pytest.raises(ArchiveError, match="the metadata of an entry claims 40,000"):
        read(write(tmp_path, (header, content)))


def test_a_bomb_of_entries_is_found(tmp_path: Path) -> None:
    many = [entry(f"{STEM}/test_data_set_{n}", kind=tarfile.DIRTYPE) for n in range(1, 200)]
    with pytest.raises(ArchiveError, match="it has more than 100 entries"):
        read(write(tmp_path, *good(), *many), Bounds(1 << 20, members=100))
    assert len(list((tmp_path / "unpacked" / STEM).iterdir())) < 100


def test_a_file_larger_than_onnx_allows_is_refused_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "x.tar.gz"
    header, _ = entry(GOOD[1])
    header.size = 3 << 30
    file.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(10240)))
    with pytest.raises(ArchiveError, match="claims 3,221,225,472 bytes"):
        read(file)


def test_a_model_of_another_size_than_announced_is_refused_by_its_header(
    archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "unpacked").mkdir()
    with pytest.raises(ArchiveError, match=r"holds a model of .* bytes, and 5 are announced"):
        unpack(archive, tmp_path / "unpacked", bounds_for(10_000), stem=STEM, model_bytes=5)
    assert not list((tmp_path / "unpacked").rglob("*.onnx"))


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (lambda data: data[: len(data) // 2], "is cut short: the gzip stream stops before its end"),
    "without its last bytes": (lambda data: data[:-3], "is cut short"),
    "empty": (lambda data: b"", "is cut short"),
    "one bit": (
        lambda data: data[:-6] + bytes([data[-6] ^ 1]) + data[-5:],
        "is damaged: it does not unpack after",
    ),
    "more behind": (lambda data: data + b"more", "bytes behind the end of the gzip stream"),
    "two streams": (lambda data: data + gzip.compress(b"more"), "bytes behind the end of the gzip stream"),
    "no gzip": (lambda data: b"PK\x03\x04" + data, "is no gzip archive"),
    "no tar": (lambda data: gzip.compress(b"no tar at all " * 99), "is damaged inside"),
    "tar cut": (lambda data: gzip.compress(gzip.decompress(data)[:1200]), "is damaged inside"),
    "tar cut between": (lambda data: gzip.compress(gzip.decompress(data)[:512]), "is damaged inside"),
    "tar and more": (
        lambda data: gzip.compress(gzip.decompress(data) + b"more"),
        "more behind the end of the tar archive",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damages_are_told_apart(damage: str, archive: Path) -> None:
    change, words = DAMAGES[damage]
    archive.write_bytes(change(archive.read_bytes()))
    with pytest.raises(ArchiveError, match=words):
        read(archive)


@pytest.mark.parametrize("position", range(0, 600, 7))
def test_no_changed_bit_goes_unnoticed(position: int, archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    if 4 <= position < 10:  # time, flags and system of the gzip header: outside what its checksum covers
        return
    data[position] ^= 1 << (position % 8)
    archive.write_bytes(data)
    with pytest.raises(ArchiveError):
        read(archive)


@pytest.mark.parametrize("seed", range(40))
def test_nonsense_inside_raises_nothing_else(seed: int, tmp_path: Path) -> None:
    generator = np.random.default_rng(seed)
    whole = bytearray(gzip.decompress(write(tmp_path, *good()).read_bytes()))
    for position in generator.integers(0, 3072, 4):
        whole[position] = generator.integers(0, 256)
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(bytes(whole)))
    with contextlib.suppress(ArchiveError):
        read(tmp_path / "x.tar.gz")


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    def problems(*names: str) -> tuple[str, ...]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return read(write(folder, *good(names))).problems

    assert problems(STEM, *GOOD[2:]) == ("holds 0 .onnx files, and it should be one",)
    assert problems(*GOOD, f"{STEM}/b.onnx") == (
        "holds 2 .onnx files (tiny-7/b.onnx, tiny-7/tiny-7.onnx), and it should be one",
    )
    assert problems(*GOOD[:2]) == ("holds no test data",)
    later = tuple(name.replace("set_0", "set_1") for name in GOOD)
    assert problems(*later) == ("numbers its test data sets 1, and it should be 0, 1, ...",)
    assert problems(*GOOD[:4]) == (
        "numbers the outputs of test_data_set_0 not at all, and it should be 0, 1, ...",
    )
    assert problems(*GOOD, f"{STEM}/test_data_set_0/input_2.pb") == (
        "numbers the inputs of test_data_set_0 0, 2, and it should be 0, 1, ...",
    )


def test_the_top_folder_is_the_stem_where_one_is_known(archive: Path) -> None:
    other = archive.rename(archive.with_name("other.tar.gz"))
    with pytest.raises(ArchiveError, match="has the top folder 'tiny-7', and it should be 'other'"):
        read(other, stem="other")
    assert unpack(other, archive.parent / "unpacked", bounds_for(10_000)).problems == ()


def test_a_full_disk_is_the_systems_error(archive: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            read(archive)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_the_bound_follows_the_size_and_has_an_end() -> None:
    assert bounds_for(1000).bytes == 64 << 20
    assert bounds_for(10 << 20).bytes == 200 << 20
    assert bounds_for(2 << 30).bytes == 8 << 30
