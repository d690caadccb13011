"""Where the files of a zoo are read from: a folder, a web server, or any store that fsspec knows."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from publishing.addresses import without_secrets
from publishing.errors import PublishError
from publishing.stores import is_url
from publishing.stores.remote import file_system

if TYPE_CHECKING:
    import httpx2

BLOCK = 1 << 20
_TIMEOUT_SECONDS = 60.0
_POINTER = b"version https://git-lfs"
"""How what stands for a large file in a Git repository begins,
https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer."""


class AbsentError(PublishError):
    """There is no such file; the message says of what kind that is."""


class UnreadableError(PublishError):
    """The file, or all of the place, cannot be read; the message says why, without naming it."""


class Reader(Protocol):
    """The files of one place, by their paths from its top, with ``/``; nothing is ever written there."""

    address: str
    """What messages call the place: without user names, passwords and tokens."""

    def names(self) -> frozenset[str] | None:
        """Return the paths of all files, or None where the place does not list them.

        Raises:
            AbsentError: there is no such place.
            UnreadableError: it cannot be listed.
        """
        ...

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file, in blocks.

        Raises:
            AbsentError: there is no such file.
            UnreadableError: it cannot be read, or not to its end.
        """
        ...

    def local(self, path: str) -> Path | None:
        """Return where the file is on this machine; None where it has to be fetched."""
        ...


def blocks_of(reader: Reader, path: str) -> Iterator[bytes]:
    """Yield the content of a file, in blocks.

    Raises:
        AbsentError: there is no such file.
        UnreadableError: it cannot be read, or not to its end; or Git has its content elsewhere.
    """
    blocks = reader.blocks(path)
    first = next(blocks, b"")
    if first.startswith(_POINTER):
        raise UnreadableError("it is a Git LFS pointer; fetch the file itself with `git lfs pull`")
    yield first
    yield from blocks


def is_inside(path: str) -> bool:
    """Whether a path that somebody wrote down stays in its folder, on any system."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and ":" not in path
    return plain and not any(part in ("", ".", "..") for part in parts)


def reader_of(place: str) -> Reader:
    """Return the reader of a folder's path, or of a URL that names a folder.

    Raises:
        PublishError: nothing that is installed reads such addresses, or it holds credentials.
    """
    if not is_url(place):
        return FolderReader(Path(place))
    parts = urlsplit(place)
    if parts.scheme.lower() == "file":
        return FolderReader(Path(unquote(parts.path)))
    return WebReader(place) if parts.scheme.lower() in ("http", "https") else StoreReader(place)


class FolderReader:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder)
        self._folder = folder

    def names(self) -> frozenset[str]:
        """Return all files, and links to folders, which are not followed."""
        if not self._folder.is_dir():
            raise AbsentError("there is no such folder")
        paths = []
        for place, folders, files in os.walk(self._folder, onerror=_raise):
            links = [name for name in folders if (Path(place) / name).is_symlink()]
            paths += [(Path(place) / name).relative_to(self._folder) for name in (*files, *links)]
        return frozenset(path.as_posix() for path in paths)

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield the blocks of a regular file; of a link to one, too, as caches of downloads have them."""
        file = self._folder / path
        try:
            if file.exists() and not file.is_file():
                raise UnreadableError("it is no file" if file.is_dir() else "it is no regular file")
            with file.open("rb") as stream:
                while block := stream.read(BLOCK):
                    yield block
        except FileNotFoundError as error:
            raise AbsentError("there is no such file") from error
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error

    def local(self, path: str) -> Path | None:
        return self._folder / path


def _raise(error: OSError) -> None:
    raise UnreadableError(f"{error.filename}: {error.strerror}") from error


class WebReader:
    """A folder of any web server, which lists nothing."""

    def __init__(self, url: str) -> None:
        self.address = without_secrets(url).rstrip("/")
        self._url = urlsplit(url)

    def names(self) -> None:
        """Say that a web server lists no files."""

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield the bytes as they are stored, whatever compression the server offers."""
        import httpx2

        url = urlunsplit(self._url._replace(path=f"{self._url.path.rstrip('/')}/{quote(path)}"))
        try:
            with self._client() as client, client.stream("GET", url) as answer:
                if answer.status_code in (404, 410):
                    raise AbsentError(f"the server answers {answer.status_code} {answer.reason_phrase}")
                if answer.status_code != 200:
                    raise UnreadableError(f"the server answers {answer.status_code} {answer.reason_phrase}")
                yield from answer.iter_raw(BLOCK)
        except httpx2.RemoteProtocolError as error:
            raise UnreadableError(f"the connection broke: {error}") from error
        except httpx2.InvalidURL as error:  # whose own words quote from the address
            raise UnreadableError("this is no address; a password with / or @ has to be encoded") from error
        except httpx2.HTTPError as error:
            raise UnreadableError(str(error) or type(error).__name__) from error

    def _client(self) -> httpx2.Client:
        import httpx2

        return httpx2.Client(
            follow_redirects=True,
            timeout=_TIMEOUT_SECONDS,
            headers={"Accept-Encoding": "identity"},
            verify=_certificates(),
        )

    def local(self, path: str) -> Path | None:
        return None


@cache
def _certificates() -> ssl.SSLContext:
    """Those of the system, read once: it takes longer than most of the files."""
    return ssl.create_default_context()


class StoreReader:
    """Whatever fsspec knows: ``s3://``, ``hf://``, ``memory://``; credentials come from its own places."""

    def __init__(self, url: str) -> None:
        self.address = without_secrets(url).rstrip("/")
        self._store, self._root = file_system(url)

    def names(self) -> frozenset[str]:
        """Return what the store lists."""
        self._store.invalidate_cache()
        try:
            paths: list[str] = self._store.find(self._root)
        except Exception as error:  # each store raises classes of its own
            raise _store_error(error, "folder or bucket") from error
        return frozenset(path.removeprefix(self._root).lstrip("/") for path in paths)

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield the blocks of a file, read one after the other."""
        try:
            with self._store.open(f"{self._root.rstrip('/')}/{path}", "rb") as stream:
                while block := stream.read(BLOCK):
                    yield block
        except Exception as error:  # each store raises classes of its own
            raise _store_error(error, "file") from error

    def local(self, path: str) -> Path | None:
        return None


def _store_error(error: Any, what: str) -> PublishError:
    if isinstance(error, FileNotFoundError):
        return AbsentError(f"there is no such {what}")
    reason = " ".join(str(error).split())[:300]
    return UnreadableError(f"the store says {reason or type(error).__name__}")
