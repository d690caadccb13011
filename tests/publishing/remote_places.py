"""What is in a store that is no folder, and what is asked of its file system."""

from __future__ import annotations

from typing import Any

import fsspec

from publishing.zoo import Zoo


def content_of_place(place: str) -> dict[str, bytes]:
    """The bytes of every file below a URL, by path; hidden ones too."""
    system, root = fsspec.core.url_to_fs(place)
    system.invalidate_cache()
    return {path.removeprefix(f"{root}/"): system.cat_file(path) for path in system.find(root)}


class Watched:
    """A file system of which every change is noted; it breaks before the one numbered ``breaks_at``."""

    def __init__(self, system: Any, breaks_at: int = 10**9) -> None:
        self._system, self._left = system, breaks_at
        self.written, self.removed, self.listed = list[str](), list[str](), list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def _note(self, path: str, where: list[str]) -> None:
        if not self._left:
            raise ConnectionResetError("the connection broke")
        self._left -= 1
        where.append(path.rsplit("/zoo/", 1)[-1].removeprefix("of/models/"))

    def pipe_file(self, path: str, data: bytes) -> None:
        self._note(path, self.written)
        self._system.pipe_file(path, data)

    def put_file(self, source: str, path: str) -> None:
        self._note(path, self.written)
        self._system.put_file(source, path)

    def rm_file(self, path: str) -> None:
        self._note(path, self.removed)
        self._system.rm_file(path)

    def find(self, path: str, **options: Any) -> Any:
        self.listed.append(path)
        return self._system.find(path, **options)


def watch(zoo: Zoo, breaks_at: int = 10**9) -> Watched:
    """Put a watched file system in the place of that of a zoo's store."""
    store: Any = zoo.store
    store._system = Watched(store._system, breaks_at)
    return store._system  # type: ignore[no-any-return]
