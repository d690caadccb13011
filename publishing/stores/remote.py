"""A zoo behind an fsspec URL: a bucket, a server, memory.

Object stores replace an object at once or not at all, and have no locks. Which large files are being sent
is noted beside the zoo first, so that a run after a broken one knows those that arrived.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from publishing.addresses import names_a_user
from publishing.errors import PublishError
from publishing.manifest import CHECKSUMS, read_checksums
from publishing.stores.interface import Content, Stamp, bytes_of, content_of
from publishing.stores.staging import clear_left, own_folder

_SENDING = ".sending"
_EXTRAS = {"s3": "s3", "s3a": "s3", "hf": "hub"}
"""The schemes whose packages come with an extra of ours."""
_MARKS = ("ETag", "etag", "blob_id", "oid", "mtime", "LastModified", "last_modified", "created")
"""What file systems call the mark of a file's content."""
_BUCKETS = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oss"))
"""Object stores, which have no folders."""


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of ``url``, and the path in it. Raises PublishError."""
    import fsspec

    parts = urlsplit(url)
    if names_a_user(url):
        raise PublishError(
            f"the URL {url} holds credentials, not shown here, which would end up in logs; "
            "put them where the store looks for them, in its environment variables or its own file"
        )
    try:
        system, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = _EXTRAS.get(parts.scheme)
        hint = f"pip install 'onnx-zoo-pipeline[{extra}]'" if extra else str(error)
        raise PublishError(f"{parts.scheme}:// needs a package that is not installed: {hint}") from error
    except ValueError as error:
        raise PublishError(
            f"cannot use {url}: {error}. Give a folder, or a URL such as s3://bucket/zoo"
        ) from error
    return system, str(root)


class RemoteStore:
    """The store below ``root`` of an fsspec file system."""

    def __init__(self, url: str, system: Any, root: str, scratch: Path | None) -> None:
        self._url, self._system, self._scratch = url, system, scratch or Path(tempfile.gettempdir())
        self._root = root.rstrip("/")
        self._lock = threading.RLock()
        self._sums: tuple[Stamp | None, dict[str, str]] = None, {}

    @property
    def place(self) -> str:
        return self._url

    def stamps(self) -> dict[str, Stamp]:
        return {path: stamp for path, stamp in self._all().items() if not _hidden(path)}

    def _all(self, below: str = "") -> dict[str, Stamp]:
        with self._as_publish_errors("listing"):
            self._system.invalidate_cache()
            try:
                listed = self._system.find(self._at(below).rstrip("/"), detail=True)
            except FileNotFoundError:
                return {}
            return {
                path.removeprefix(self._root).lstrip("/"): _stamp(info)
                for path, info in sorted(listed.items())
                if info["type"] == "file"
            }

    def stamp(self, path: str) -> Stamp | None:
        with self._as_publish_errors(f"looking at {path}"):
            self._system.invalidate_cache()
            try:
                info = self._system.info(self._at(path))
            except FileNotFoundError:
                return None
            return _stamp(info) if info["type"] == "file" else None

    def read(self, path: str) -> bytes | None:
        with self._as_publish_errors(f"reading {path}"):
            try:
                content: bytes = self._system.cat_file(self._at(path))
            except FileNotFoundError:
                return None
            return content

    def sha256(self, path: str) -> str | None:
        return None

    def commit(self, add: Mapping[str, Content], remove: Sequence[str] = ()) -> None:
        self._remove(remove)
        notes = {path: _noted(self.read(path)) for path in self._all(_SENDING)}
        listed = self._listed()
        digests = _agreed([listed, *notes.values()])
        send = {path: content for path, content in add.items() if not self._has(path, content, digests)}
        if any(isinstance(content.data, Path) for content in send.values()):
            notes |= self._note(
                {path: content.sha256 for path, content in add.items() if isinstance(content.data, Path)}
            )
        for path, content in send.items():
            self._send(path, content.data)
        settled = {path: content.sha256 for path, content in add.items()}
        if CHECKSUMS in add:
            settled |= read_checksums(bytes_of(add[CHECKSUMS]))
        settled = listed | settled
        done = [path for path, note in notes.items() if note.items() <= settled.items()]
        self._remove(done)

    def _has(self, path: str, content: Content, digests: Mapping[str, str]) -> bool:
        if digests.get(path) != content.sha256:
            return False
        stamp = self.stamp(path)
        return stamp is not None and stamp.bytes == content.size

    def _listed(self) -> dict[str, str]:
        """The digests that are announced, read again where they have changed."""
        stamp = self.stamp(CHECKSUMS)
        if stamp is None or not stamp.mark or stamp != self._sums[0]:
            self._sums = stamp, read_checksums((stamp and self.read(CHECKSUMS)) or b"")
        return self._sums[1]

    def _note(self, digests: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Note which large files are being sent; the note by its path."""
        text = json.dumps(digests, sort_keys=True).encode()
        path = f"{_SENDING}/{content_of(text).sha256[:16]}.json"
        self._send(path, text)
        return {path: dict(digests)}

    def _send(self, path: str, data: bytes | Path) -> None:
        with self._as_publish_errors(f"sending {path}"):
            try:
                self._put(data, self._at(path))
            except FileNotFoundError:
                if self._is_bucket:  # it is the bucket that is missing, and that is not ours to make
                    raise
                self._system.makedirs(self._system._parent(self._at(path)), exist_ok=True)
                self._put(data, self._at(path))

    def _put(self, data: bytes | Path, place: str) -> None:
        if isinstance(data, bytes):
            self._system.pipe_file(place, data)
        else:
            self._system.put_file(str(data), place)

    @property
    def _is_bucket(self) -> bool:
        protocols = self._system.protocol
        return bool(_BUCKETS & ({protocols} if isinstance(protocols, str) else set(protocols)))

    def _remove(self, paths: Sequence[str]) -> None:
        with self._as_publish_errors("removing files"):
            for path in paths:
                if self.stamp(path):
                    self._system.rm_file(self._at(path))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        self._scratch.mkdir(parents=True, exist_ok=True)
        with own_folder(self._scratch) as folder:
            yield folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        with self._lock:  # of the threads of this process; others are reckoned with, not kept out
            clear_left(self._scratch)
            yield

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _as_publish_errors(self, what: str) -> Iterator[None]:
        """Say what a store's error means here; each file system raises kinds of its own."""
        try:
            yield
        except PublishError:
            raise
        except Exception as error:
            raise self._error(what, error) from error

    def _error(self, what: str, error: Exception) -> PublishError:
        reason = " ".join(str(error).split()) or type(error).__name__
        return PublishError(
            f"{self._url}: {what} failed: {reason}. What was published before is as it was; see that the "
            "store can be reached and that you may write to it, and run the same command again: it goes on "
            "from here"
        )


def _stamp(info: Mapping[str, Any]) -> Stamp:
    mark = next((info[name] for name in _MARKS if info.get(name) is not None), "")
    if isinstance(mark, datetime):  # which some give as seconds where they list, and only there
        mark = mark.timestamp()
    return Stamp(int(info["size"] or 0), str(mark))


def _agreed(claims: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The digests of files, as far as all who say something of a file say the same."""
    digests_of: dict[str, set[str]] = {}
    for claim in claims:
        for path, digest in claim.items():
            digests_of.setdefault(path, set()).add(digest)
    return {path: next(iter(digests)) for path, digests in digests_of.items() if len(digests) == 1}


def _noted(note: bytes | None) -> dict[str, str]:
    try:
        digests = json.loads(note or b"{}")
    except ValueError:
        return {}
    return {str(path): str(digest) for path, digest in digests.items()} if isinstance(digests, dict) else {}


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))
