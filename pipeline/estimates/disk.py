"""How much a run will write, where, and whether there is room for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.terminal.wording import size_text

MARGIN, LEAST_MARGIN = 0.05, 16 << 20
"""What stays free: a share of what a run writes, and at least so many bytes."""


@dataclass(frozen=True)
class Need:
    """What a run will write below a folder, which need not exist yet."""

    purpose: str
    folder: Path
    bytes: int


@dataclass(frozen=True)
class Room:
    """A file system, all that a run will write to it, and what it has left."""

    needs: tuple[Need, ...]
    free: int

    @property
    def needed(self) -> int:
        """All of it, and a margin."""
        total = sum(need.bytes for need in self.needs)
        return total + max(LEAST_MARGIN, int(MARGIN * total)) if total else 0

    @property
    def missing(self) -> int:
        """The bytes that are not there; 0 where the disk will do."""
        return max(0, self.needed - self.free)


def rooms(needs: Iterable[Need]) -> list[Room]:
    """The file systems that ``needs`` lie on; needs on the same one share its room."""
    together: dict[int, list[Need]] = {}
    for need in needs:
        together.setdefault(_nearest_folder(need.folder).stat().st_dev, []).append(need)
    return [
        Room(tuple(some), shutil.disk_usage(_nearest_folder(some[0].folder)).free)
        for some in together.values()
    ]


def _nearest_folder(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def refusal(needed: Iterable[Room]) -> str | None:
    """Why a run cannot begin: the file systems that have not enough room; None where all have."""
    short = [room for room in needed if room.missing]
    if not short:
        return None
    lines = ["the disk will not do, and nothing was started."]
    for room in short:
        parts = ", ".join(f"{size_text(need.bytes)} {need.purpose} in {need.folder}" for need in room.needs)
        lines.append(
            f"  needed: {size_text(room.needed)} ({parts}, and a margin); free: {size_text(room.free)}"
        )
    lines.append(
        "Make room, select less with --only or --opset, or publish on another disk with --publish; "
        "`python -m pipeline plan` shows what each model needs."
    )
    return "\n".join(lines)
