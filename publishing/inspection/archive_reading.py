"""Unpacking an archive that anybody may have made: each entry is checked before a byte of it is written.

What an archive holds is said in :mod:`publishing.archive`; nothing else is unpacked.
"""

from __future__ import annotations

import re
import tarfile
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from publishing.inspection.archive_stream import BLOCK, ArchiveError, Bounds, Entry, Unzipped, shown

LARGEST_FILE = 2**31 - 1
"""Bytes of the largest message that protobuf reads, and so of any model and any tensor."""

_FOLDER = re.compile(r"test_data_set_(0|[1-9]\d{0,5})")
_TENSOR = re.compile(r"(input|output)_(0|[1-9]\d{0,5})\.pb")

_DAMAGE = (tarfile.TarError, ValueError, ArithmeticError, LookupError, RecursionError)
"""What tarfile raises for nonsense in the metadata of entries."""


@dataclass(frozen=True)
class DataFiles:
    """The files of one ``test_data_set_<n>``, in the order of their numbers."""

    name: str
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class Unpacked:
    """What was in an archive; and what is missing in it, in phrases whose subject is the archive."""

    model: Path | None
    """The one model; None where there is none, or more than one."""
    data_sets: tuple[DataFiles, ...]
    problems: tuple[str, ...]


def unpack(
    archive: Path, folder: Path, bounds: Bounds, *, stem: str | None = None, model_bytes: int | None = None
) -> Unpacked:
    """Unpack a ``.tar.gz`` with a model and its test data into ``folder``, which exists and is empty.

    It is streamed. ``stem`` is what its top folder has to be called, ``model_bytes`` the size that its
    model has to have; None where nobody said so.

    Raises:
        ArchiveError: it is no whole archive, or holds what no archive of a model holds. What was
            unpacked until then is the caller's to remove.
        OSError: the archive cannot be read, or ``folder`` not be written.
    """
    names = _Names(bounds, stem)
    with archive.open("rb") as raw, Unzipped(raw, bounds) as stream:
        try:
            with tarfile.open(
                fileobj=stream, mode="r|", tarinfo=Entry, bufsize=BLOCK, errors="surrogateescape"
            ) as opened:
                for entry in opened:
                    name = names.add(entry)
                    if name:
                        _check_size(entry, name, model_bytes)
                        _write(opened, entry, folder / name)
                end = opened.offset
        except _DAMAGE as error:
            raise ArchiveError(f"is damaged inside: {error}") from error
        stream.finish(end)
    return _contents(folder, names.all)


class _Names:
    """The paths of the entries so far, each of which has passed every check."""

    def __init__(self, bounds: Bounds, stem: str | None) -> None:
        self.all: list[str] = []
        self._bounds = bounds
        self._top = stem
        self._wanted = stem is not None
        self._taken: set[str] = set()

    def add(self, entry: tarfile.TarInfo) -> str:
        """Check the path of an entry and return it; empty where it is the archive's own root."""
        name = _inside(entry)
        if not name:
            return ""
        if len(self.all) >= self._bounds.members:
            raise ArchiveError(f"was made to harm: it has more than {self._bounds.members:,} entries")
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in self._taken:
            raise ArchiveError(f"was made to harm: {shown(name)} is there twice, or differs in case alone")
        parts = name.split("/")
        self._check_top(parts[0])
        if not _is_expected(parts, entry.isdir()):
            raise ArchiveError(
                f"holds {shown(name)}; one folder, in it one .onnx file and test_data_set_<n>/ with "
                "input_<i>.pb and output_<i>.pb, are all that may be there"
            )
        self._taken.add(folded)
        self.all.append(name)
        return name

    def _check_top(self, top: str) -> None:
        if self._top is None:
            self._top = top
        if top == self._top:
            return
        if self._wanted and not self.all:
            raise ArchiveError(f"has the top folder {shown(top)}, and it should be {shown(self._top)}")
        raise ArchiveError(f"has two top folders, {shown(self._top)} and {shown(top)}; clients take one")


def _inside(entry: tarfile.TarInfo) -> str:
    """The path of an entry without what means nothing in it.

    Raises:
        ArchiveError: it leads elsewhere on some system, or is no plain file or folder.
    """
    name = entry.name.removeprefix("./").rstrip("/")
    if entry.issparse():
        raise ArchiveError(f"was made to harm: {shown(entry.name)} is a sparse file")
    if entry.name.startswith("/"):
        raise ArchiveError(f"was made to harm: {shown(entry.name)} is an absolute path")
    if ".." in name.split("/"):
        raise ArchiveError(f"was made to harm: {shown(entry.name)} leads out of its folder")
    if "\\" in name or ":" in name or not name.isprintable():
        raise ArchiveError(f"was made to harm: {shown(entry.name)} is not the same path on every system")
    if any(part.startswith("._") for part in name.split("/")):
        raise ArchiveError(f"holds {shown(entry.name)}, a file of macOS's own that confuses clients")
    return "" if name == "." else name


def _is_expected(parts: list[str], is_folder: bool) -> bool:
    if is_folder:
        return len(parts) == 1 or (len(parts) == 2 and bool(_FOLDER.fullmatch(parts[1])))
    if len(parts) == 2:
        return parts[1].endswith(".onnx")
    return len(parts) == 3 and bool(_FOLDER.fullmatch(parts[1]) and _TENSOR.fullmatch(parts[2]))


def _check_size(entry: tarfile.TarInfo, name: str, model_bytes: int | None) -> None:
    if entry.size > LARGEST_FILE:
        raise ArchiveError(
            f"was made to harm: {shown(name)} claims {entry.size:,} bytes, more than ONNX allows"
        )
    if name.endswith(".onnx") and model_bytes not in (None, entry.size):
        raise ArchiveError(f"holds a model of {entry.size:,} bytes, and {model_bytes:,} are announced")


def _write(opened: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    if entry.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = opened.extractfile(entry)
    with target.open("xb") as output:
        while content and (block := content.read(BLOCK)):
            output.write(block)


def _contents(folder: Path, names: list[str]) -> Unpacked:
    """Look through what was unpacked: the one model, and data counted from 0."""
    problems = []
    models = sorted(name for name in names if name.endswith(".onnx"))
    if len(models) != 1:
        names_shown = f" ({', '.join(models[:5])})" if models else ""
        problems.append(f"holds {len(models)} .onnx files{names_shown}, and it should be one")
    sets: dict[int, dict[str, dict[int, Path]]] = {}
    for parts in (name.split("/") for name in names):
        match = _FOLDER.fullmatch(parts[1]) if len(parts) > 1 else None
        tensor = _TENSOR.fullmatch(parts[2]) if len(parts) > 2 else None
        if match:
            kinds = sets.setdefault(int(match[1]), {"input": {}, "output": {}})
            if tensor:
                kinds[tensor[1]][int(tensor[2])] = folder.joinpath(*parts)
    if not sets:
        problems.append("holds no test data")
    elif not _counts(sets):
        problems.append(f"numbers its test data sets {_listed(sets)}, and it should be 0, 1, ...")
    for number, kinds in sorted(sets.items()):
        problems += [
            f"numbers the {kind}s of test_data_set_{number} {_listed(files)}, and it should be 0, 1, ..."
            for kind, files in kinds.items()
            if not _counts(files)
        ]
    return Unpacked(
        folder / models[0] if len(models) == 1 else None,
        tuple(_data_files(number, kinds) for number, kinds in sorted(sets.items())),
        tuple(problems),
    )


def _data_files(number: int, kinds: Mapping[str, Mapping[int, Path]]) -> DataFiles:
    inputs, outputs = (
        tuple(kinds[kind][index] for index in sorted(kinds[kind])) for kind in ("input", "output")
    )
    return DataFiles(f"test_data_set_{number}", inputs, outputs)


def _counts(numbers: Collection[int]) -> bool:
    """Whether they are 0, 1, ... without a gap, and any at all."""
    return bool(numbers) and max(numbers) == len(numbers) - 1


def _listed(numbers: Collection[int]) -> str:
    ordered = sorted(numbers)
    return (", ".join(map(str, ordered[:8])) + (", ..." if len(ordered) > 8 else "")) or "not at all"
