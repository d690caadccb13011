"""How much memory this process and those that it starts may still take."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
"""Version 2 of control groups, as containers and Slurm set them (Linux's admin-guide/cgroup-v2.rst)."""


def available_memory(cgroup: Path = _CGROUP) -> int:
    """In bytes: what the machine has to give, or what is left of the limit of the control group.

    Cached files that nobody has read lately are as good as free, as :mod:`psutil` and Kubernetes have it.
    """
    available = int(psutil.virtual_memory().available)
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        cached = re.search(r"(?m)^inactive_file (\d+)$", (cgroup / "memory.stat").read_text())
        used = int((cgroup / "memory.current").read_text()) - (int(cached[1]) if cached else 0)
    except (OSError, ValueError):
        return available
    return available if limit == "max" else max(0, min(available, int(limit) - used))
