"""Where a zoo is published: a folder, or whatever fsspec has a file system for."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from publishing.errors import PublishError
from publishing.stores.folder import FolderStore
from publishing.stores.interface import Store
from publishing.stores.known import Known

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_url(place: str | Path) -> bool:
    """Whether ``place`` names a store by URL, such as ``s3://bucket/zoo``."""
    return isinstance(place, str) and bool(_URL.match(place))


def open_store(place: str | Path, scratch: Path | None = None, known: Known | None = None) -> Store:
    """The store at ``place``: the path of a folder, or a URL that fsspec understands.

    ``scratch`` is a folder for files that are made before they are sent; where it is None, it is the
    system's own. ``known`` is what was found out about the place before. Raises PublishError where the URL
    is wrong or its package is missing.
    """
    if not is_url(place):
        return FolderStore(Path(place), known)
    url = str(place).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)), known)
    if parts.scheme in ("http", "https"):
        raise PublishError(f"{url} can be read, and not written to; publish to a folder and serve that")
    from publishing.stores.hub import HubStore
    from publishing.stores.remote import RemoteStore, file_system

    kind = HubStore if parts.scheme == "hf" else RemoteStore
    return kind(url, *file_system(url), scratch)
