"""A zoo in a folder: files are written beside, then renamed, so that nobody ever sees half of one."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from publishing.errors import PublishError
from publishing.stores.interface import Content, Stamp
from publishing.stores.known import Known
from publishing.stores.staging import clear_left, own_folder

_STAGING = ".staging"
_LOCK = ".lock"


class FolderStore:
    """The store below ``folder``, which need not exist yet."""

    def __init__(self, folder: Path, known: Known | None = None) -> None:
        """``known`` is what was found out about this folder before."""
        self.folder = folder
        self._known = known or Known()
        self._lock = FileLock(folder / _LOCK)  # of threads and of processes

    @property
    def place(self) -> str:
        return str(self.folder)

    def stamps(self) -> dict[str, Stamp]:
        with self._as_publish_errors():
            return {path: Stamp(status.st_size, str(status.st_mtime_ns)) for path, status in self._files()}

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(20, "it is a file, not a folder", str(self.folder))
        for above, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            below = Path(above).relative_to(self.folder).as_posix()
            for name in sorted(name for name in names if not name.startswith(".")):
                try:
                    status = os.stat(f"{above}/{name}")  # noqa: PTH116 - a path object takes longer than it
                except FileNotFoundError:
                    continue  # it has gone meanwhile, or leads nowhere
                if stat.S_ISREG(status.st_mode):
                    yield name if below == "." else f"{below}/{name}", status

    def stamp(self, path: str) -> Stamp | None:
        with self._as_publish_errors():
            try:
                status = (self.folder / path).stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            return Stamp(status.st_size, str(status.st_mtime_ns)) if stat.S_ISREG(status.st_mode) else None

    def read(self, path: str) -> bytes | None:
        with self._as_publish_errors():
            try:
                return (self.folder / path).read_bytes()
            except FileNotFoundError:
                return None

    def sha256(self, path: str) -> str | None:
        with self._as_publish_errors():
            file = self.folder / path
            mark = _mark(file)
            digest = self._known.sha256(path, mark)
            if digest is None:
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                if _mark(file) == mark:
                    self._known.note_sha256(path, mark, digest)
            return digest

    def commit(self, add: Mapping[str, Content], remove: Sequence[str] = ()) -> None:
        with self._as_publish_errors(), self.staging() as staging:
            staged = [self._staged(content.data, staging / str(n)) for n, content in enumerate(add.values())]
            with self.locked():
                for path in remove:
                    self._remove(self.folder / path)
                for (path, content), file in zip(add.items(), staged, strict=True):
                    target = self.folder / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(target)
                    self._known.note_sha256(path, _mark(target), content.sha256)

    def _staged(self, data: bytes | Path, file: Path) -> Path:
        """A file in this store's file system with the bytes; one that was staged before is it."""
        if isinstance(data, bytes):
            file.write_bytes(data)
        elif data.is_relative_to(self.folder / _STAGING):
            return data
        else:
            shutil.copyfile(data, file)
        return file

    def _remove(self, file: Path) -> None:
        """Remove a file and the folders that are empty without it, those of a run that was killed as well."""
        file.unlink(missing_ok=True)
        for above in file.parents:
            if above == self.folder or any(names for _, _, names in os.walk(above)):
                return
            for empty, _, _ in os.walk(above, topdown=False):
                with suppress(OSError):  # somebody has put something there meanwhile
                    Path(empty).rmdir()

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Make a folder beside the files."""
        with self._as_publish_errors():
            above = self.folder / _STAGING
            above.mkdir(parents=True, exist_ok=True)
            with own_folder(above) as staging:
                yield staging

    @contextmanager
    def locked(self) -> Iterator[None]:
        with self._as_publish_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock:
                clear_left(self.folder / _STAGING)
                yield

    @contextmanager
    def _as_publish_errors(self) -> Iterator[None]:
        """Say what an operating system's error means here."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            place = error.filename or self.folder
            raise PublishError(
                f"publishing into {self.folder} failed at {place}: {reason}; nothing that was published is "
                "harmed. Make room or name another folder, and run the same command again"
            ) from error


def _mark(file: Path) -> str:
    """What becomes another one as soon as somebody writes to ``file``, or puts another in its place.

    The time of the last change is the system's own, unlike that of what is in the file: nobody sets it.
    """
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
