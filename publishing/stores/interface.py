"""What a store is: the place that holds a zoo, be it a folder, a bucket or a hub.

Paths in a store are relative to the zoo's own top, with ``/``. A path with a part that begins with a dot
is the store's own affair and no part of the zoo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Stamp:
    """What a store knows of a file without reading it: its bytes, and a mark that changes with them."""

    bytes: int
    mark: str


@dataclass(frozen=True)
class Content:
    """What is to be in a file: the bytes themselves, or a file on disk that has them."""

    data: bytes | Path
    sha256: str
    """In hex, of those bytes."""

    @property
    def size(self) -> int:
        """In bytes."""
        return self.data.stat().st_size if isinstance(self.data, Path) else len(self.data)


def content_of(data: bytes) -> Content:
    """The content that ``data`` is."""
    return Content(data, hashlib.sha256(data).hexdigest())


def bytes_of(content: Content) -> bytes:
    """The bytes of a content that is no file on disk."""
    assert isinstance(content.data, bytes)
    return content.data


class Store(Protocol):
    """Every method may raise PublishError, whose message names the place and says what to do next."""

    @property
    def place(self) -> str:
        """The store as its user names it, for messages."""

    def stamps(self) -> dict[str, Stamp]:
        """Every file of the zoo; a store that nobody wrote to yet has none. Each file makes it longer."""

    def stamp(self, path: str) -> Stamp | None:
        """What the store knows of one file, by looking at that one; None where it is not there."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a small file; None where it is not there."""

    def sha256(self, path: str) -> str | None:
        """The digest of a file in hex, computed where the store can do so cheaply; None where it cannot."""

    def commit(self, add: Mapping[str, Content], remove: Sequence[str] = ()) -> None:
        """Remove some files, then write others in the order of ``add``, each complete or not at all.

        What is there already with the same bytes need not be sent again, and what is to be removed need
        not be there. A call that failed may be made again and goes on from where it stopped. That goes for
        the next run as well: what it has to remove is still listed, as that is what is written last.
        """

    def staging(self) -> AbstractContextManager[Path]:
        """A folder on disk for files that are to be committed; it is gone afterwards."""

    def locked(self) -> AbstractContextManager[object]:
        """Keep others from committing meanwhile, as far as the store can."""
