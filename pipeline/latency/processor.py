"""What a time depends on and a file does not say: the processor, its threads, the system."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from typing import Any

from pipeline.errors import UsageError
from pipeline.system.processor import processor

_TELLING = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimddp")
"""Flags of /proc/cpuinfo that decide which kernels a runtime takes; the last is that of Arm."""
VNNI = frozenset({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp"})
"""Flags of processors that multiply bytes and add them up in 32 bits."""


def processors_for(threads: int) -> list[int]:
    """The processors that so many threads are pinned to. Raises UsageError where there are not as many."""
    mine = sorted(os.sched_getaffinity(0))
    if threads < 1:
        raise UsageError(f"--threads: {threads} is too few; 1 is the least.")
    if threads > len(mine):
        raise UsageError(
            f"--threads: {threads} threads need as many processors, and this process may use {len(mine)}: "
            f"give {len(mine)} or less."
        )
    return mine[:threads]


def described() -> dict[str, Any]:
    """Name and telling flags of the processor, the number of processors, the system, and what else runs.

    ``load`` is the number of processes that wanted to run in the last minute, as getloadavg(3) has it.
    """
    name, flags = processor()
    return {
        "name": name,
        "flags": [flag for flag in _TELLING if flag in flags],
        "processors": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
    }


def has_vnni(flags: Collection[str]) -> bool:
    """Whether a processor of these flags sums products of bytes without saturation."""
    return not VNNI.isdisjoint(flags)
