"""How sizes, times and lines are worded for a person."""

from __future__ import annotations

import sys


def size_text(size: float) -> str:
    """A number of bytes with a unit that fits: ``553 MB``, ``5.5 GB``; units of 1000."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB" if size < 999.5 else f"{size / 1000:.1f} TB"


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``0.4 s``, ``40 s``, ``7 min``, ``2 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def say(message: str) -> None:
    """Print a line on standard error: what a command tells while it works, beside its result."""
    print(message, file=sys.stderr, flush=True)
