"""Zoos to be verified, and how they come to be wrong."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import onnx

from publishing.announcement import announce
from publishing.archive import DataSet
from publishing.stores import open_store
from publishing.zoo import Zoo
from tests.publishing import verified_zoo

FOLDER = "timm/small/model"
UNIT = f"{FOLDER}/tiny-12"

Verify = Callable[..., tuple[bool, list[str]]]


def make_zoo(folder: Path, *opsets: int) -> Path:
    verified_zoo.make(folder / "zoo", folder, opsets or (12,))
    return folder / "zoo"


def with_model(folder: Path, model: onnx.ModelProto, opset: int, tested: list[DataSet] | None = None) -> Path:
    """A zoo of one model that is not quite what it should be; the lists know no better."""
    zoo = Zoo(open_store(folder / "zoo"))
    verified_zoo.put(zoo, folder, model, opset, tested)
    announce(zoo, verified_zoo.pages)
    return folder / "zoo"


def rewrite_archive(file: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Change the files in an archive."""
    entries = []
    with tarfile.open(file) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            entries.append((entry, change(entry.name, content.read()) if content else b""))
    with tarfile.open(file, "w:gz") as archive:
        for entry, data in entries:
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def bomb(file: Path) -> None:
    with tarfile.open(file, "w:gz") as archive:
        entry = tarfile.TarInfo("tiny-12/test_data_set_0/input_0.pb")
        entry.size = 80 << 20
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))


def renamed(name: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        tensor = onnx.TensorProto.FromString(content)
        tensor.name = name
        return bytes(tensor.SerializeToString())

    return change
