"""What is looked at in a file of torch.save before torch makes anything of it, without torch."""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.converters.hostile import (
    POINTED_AT,
    POINTER,
    archive_of,
    call,
    entry,
    named,
    number,
    program,
    runs,
    tensor,
    text,
)

MAGIC = program(number(0x1950A86A20F9469CFC6C)) + program(number(1001)) + program(b"}")
"""What comes first in the format of old: a magic number, a version, and what the machine is like."""


@pytest.fixture(scope="module")
def files(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("pytorch_files")


def _old(path: Path, pickled: bytes, *storages: tuple[str, int, bytes]) -> Path:
    keys = b"(" + b"".join(text(key) for key, _, _ in storages) + b"l"
    contents = b"".join(struct.pack("<q", count) + content for _, count, content in storages)
    path.write_bytes(MAGIC + pickled + program(keys) + contents)
    return path


def _refused(files: Any, path: Path) -> str:
    with pytest.raises(files.TaskError) as caught:
        files.require_plain(str(path))
    assert caught.value.kind == "weights"
    return str(caught.value)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_tensors_and_plain_containers_pass(files: Any, tmp_path: Path, compression: int) -> None:
    tensors = entry("w", tensor(4)) + text("n") + tensor(2, "LongStorage", "1") + b"s"
    path = archive_of(
        tmp_path / "w.pth", program(tensors), compression=compression, _0=bytes(16), _1=bytes(16)
    )
    files.require_plain(str(path))
    contents = files.read(str(path))
    assert contents.saved["w"].shape == (4,)
    assert (contents.places["0"].offset is None) == (compression != zipfile.ZIP_STORED)
    old = _old(tmp_path / "old.pth", program(tensors), ("1", 2, bytes(16)), ("0", 4, bytes(16)))
    files.require_plain(str(old))
    places = files.read(str(old)).places
    assert (places["0"].size, places["0"].offset) == (16, old.stat().st_size - 16)
    assert places["1"].offset == old.stat().st_size - 40


STRANGE = {
    "_rebuild_nested_tensor": "a nested tensor",
    "_rebuild_sparse_tensor": "a sparse tensor",
    "_rebuild_qtensor": "a quantised tensor",
    "_rebuild_meta_tensor_no_storage": "a tensor without values",
    "_rebuild_wrapper_subclass": "a tensor of another class",
    "_rebuild_device_tensor_from_numpy": "torch._utils._rebuild_device_tensor_from_numpy",
}


@pytest.mark.parametrize("function", STRANGE)
@pytest.mark.parametrize("old", [False, True])
def test_what_is_no_dense_tensor_is_refused_by_name(
    files: Any, tmp_path: Path, function: str, old: bool
) -> None:
    pickled = program(entry("w", call(named("torch._utils", function), number(1))))
    path = _old(tmp_path / "w.pth", pickled) if old else archive_of(tmp_path / "w.pth", pickled)
    assert f"w.pth holds {STRANGE[function]}" in _refused(files, path)


@pytest.mark.parametrize("old", [False, True])
def test_nothing_is_called(files: Any, tmp_path: Path, old: bool) -> None:
    ran = tmp_path / "ran"
    pickled = program(entry("w", runs(ran)))
    path = _old(tmp_path / "w.pth", pickled) if old else archive_of(tmp_path / "w.pth", pickled)
    assert "w.pth holds os.system, which is neither" in _refused(files, path)
    assert not ran.exists()


def test_no_memory_is_reserved_for_a_number(files: Any, tmp_path: Path) -> None:
    """Torch itself would make a bytearray of any length, and a tensor whose values nobody wrote."""
    for module, name in (("__builtin__", "bytearray"), ("torch", "FloatTensor")):
        pickled = program(entry("w", call(named(module, name), number(1 << 40))))
        assert f"holds {module}.{name}" in _refused(files, archive_of(tmp_path / "w.pth", pickled))


def test_numpy_is_refused(files: Any, tmp_path: Path) -> None:
    pickled = program(entry("w", call(named("numpy.core.multiarray", "_reconstruct"))))
    assert "holds numpy.core.multiarray._reconstruct" in _refused(
        files, archive_of(tmp_path / "w.pth", pickled)
    )


@pytest.mark.parametrize("declared", [3, 5, 240, 1 << 60])
def test_a_storage_holds_what_it_declares(files: Any, tmp_path: Path, declared: int) -> None:
    pickled = program(entry("w", tensor(declared)))
    path = archive_of(tmp_path / "w.pth", pickled, _0=bytes(16), _1=bytes(4000))
    assert f"declares tensors of {4 * declared} bytes and has 16" in _refused(files, path)
    old = _old(tmp_path / "old.pth", pickled, ("0", 4, bytes(4000)))
    assert f"declares tensors of {4 * declared} bytes and has 16" in _refused(files, old)


def test_one_storage_has_one_size(files: Any, tmp_path: Path) -> None:
    pickled = program(entry("w", tensor(4)) + text("v") + tensor(8) + b"s")
    message = _refused(files, archive_of(tmp_path / "w.pth", pickled, _0=bytes(16)))
    assert "refers to a storage twice" in message


def test_a_storage_that_is_missing_or_cut(files: Any, tmp_path: Path) -> None:
    pickled = program(entry("w", tensor(4)))
    assert "is damaged" in _refused(files, archive_of(tmp_path / "w.pth", pickled))
    assert "has 15; fetch it again" in _refused(
        files, _old(tmp_path / "old.pth", pickled, ("0", 4, bytes(15)))
    )
    whole = archive_of(tmp_path / "cut.pth", pickled, _0=bytes(16))
    whole.write_bytes(whole.read_bytes()[:-30])
    assert "cut.pth cannot be read" in _refused(files, whole)


def test_an_archive_that_would_fill_the_memory(files: Any, tmp_path: Path) -> None:
    """Seventy megabytes of zeros in seventy kilobytes."""
    count = 17 << 20
    pickled = program(entry("w", tensor(count)))
    path = archive_of(tmp_path / "w.pth", pickled, compression=zipfile.ZIP_DEFLATED, _0=bytes(4 * count))
    assert "w.pth would unpack to 7130331" in _refused(files, path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["archive/data.pkl", "archive/DATA.pkl"])
def test_two_members_of_one_name(files: Any, tmp_path: Path, second: str) -> None:
    """Zipfile would read the last of them, and torch the first."""
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program(entry("w", runs(tmp_path / "ran"))))
        archive.writestr(second, program(b"}"))
    assert "two members of one name" in _refused(files, path)


def test_code_of_torch_script(files: Any, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/constants.pkl", b"")
    assert "w.pt is a TorchScript archive" in _refused(files, path)


def test_a_tararchive_of(files: Any, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    content = program(runs(tmp_path / "ran"))
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert "w.pth is a tar archive, as torch wrote them in 2016: save it again" in _refused(files, path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80", b"no weights", MAGIC, MAGIC[:-3]])
def test_no_checkpoint_at_all(files: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    assert "w.pth cannot be read: it is damaged, or was not written by torch.save" in _refused(files, path)


def test_a_pointer_is_told_by_its_name(worker_module: Callable[[str], Any], tmp_path: Path) -> None:
    checkpoints = worker_module("checkpoints")
    path = tmp_path / "w.bin"
    path.write_bytes(POINTER)
    with pytest.raises(checkpoints.TaskError, match=re.escape(f"w.bin cannot be read: {POINTED_AT}")):
        checkpoints.refuse_pointer(str(path))
    path.write_bytes(b"PK\x03\x04")
    checkpoints.refuse_pointer(str(path))
