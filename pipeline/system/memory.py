"""How much memory this process and those that it starts may still take."""

from __future__ import annotations

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
"""Version 2 of control groups, as containers and Slurm set them (Linux's admin-guide/cgroup-v2.rst)."""


def available_memory(cgroup: Path = _CGROUP) -> int:
    """In bytes: what the machine has to give, or what is left of the limit of the control group."""
    available = int(psutil.virtual_memory().available)
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):
        return available
    return available if limit == "max" else max(0, min(available, int(limit) - used))
