"""Archives of a zoo, as whoever downloads them unpacks them."""

from __future__ import annotations

import tarfile
from pathlib import Path


def unpack(archive: Path, folder: Path) -> list[str]:
    """Write the files of ``archive`` below ``folder``; the names of all its members.

    By hand: ``extractall`` warns without a filter in later versions of Python, and has none before 3.11.4.
    """
    with tarfile.open(archive) as opened:
        for member in opened:
            content = opened.extractfile(member)
            if content:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
        return opened.getnames()
