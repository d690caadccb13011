"""How much memory a model needs: that of the largest of its processes, as often as they run side by side."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.estimates.history import Entry
from pipeline.estimates.shards import UNKNOWN_BYTES
from pipeline.planning.jobs import ModelJob
from pipeline.workers.processes import AT_ONCE

FRAMEWORK_BYTES = 1 << 30
"""What a framework takes for itself, with the activations of a few pictures."""
COPIES = 3
"""No process holds more of the weights: benchmarks/peak_memory.py."""


def memory_of(job: ModelJob, history: Mapping[str, Entry]) -> int:
    """About how many bytes a model needs: what it took here before, or what follows from its weights."""
    before = history.get(job.name, {}).get("peak_memory")
    if isinstance(before, int) and before > 0:
        return AT_ONCE * before
    weights = (job.listed.bytes if job.listed else None) or UNKNOWN_BYTES
    return FRAMEWORK_BYTES + AT_ONCE * COPIES * weights
