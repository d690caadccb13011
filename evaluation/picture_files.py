"""Which files of a folder are pictures."""

from __future__ import annotations

from pathlib import Path

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Of files that are pictures; others in a folder are left alone."""


def pictures_below(folder: Path) -> list[str]:
    """The pictures in ``folder`` and below by their paths in it, sorted; hidden files are none."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
