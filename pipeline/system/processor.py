"""What the system says of this machine's processor."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> tuple[str, frozenset[str]]:
    """The name of the processor, and its flags where the system tells them."""
    values: dict[str, str] = {}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), value.strip())
    flags = values.get("flags") or values.get("Features") or ""
    name = values.get("model name") or platform.processor() or platform.machine()
    return name, frozenset(flags.split())
