"""How much memory a model needs: that of the largest of its processes, as often as they run side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.estimates.history import Entry
from pipeline.estimates.shards import UNKNOWN_BYTES
from pipeline.estimates.sizes import input_bytes, sizes_of
from pipeline.planning.jobs import ModelJob
from pipeline.workers.processes import AT_ONCE

FRAMEWORK_BYTES = 1 << 30
"""What frameworks take for themselves: those that work, and those that wait for the next model."""
COPIES = 3
"""No process holds more of the weights: benchmarks/peak_memory.py."""
ACTIVATIONS = 150
"""How many times the bytes of the inputs a process has beside them: of all networks that were swept, none had
more (docs/coverage)."""


def memory_of(job: ModelJob, history: Mapping[str, Entry], folder: Path) -> int:
    """About how many bytes a model needs: what it took here before, or what follows from weights and inputs.

    ``folder`` is that of the pipeline file.
    """
    before = history.get(job.name, {}).get("peak_memory")
    if isinstance(before, int) and before > 0:
        return AT_ONCE * before
    weights = sizes_of([job], folder).get(job.name, UNKNOWN_BYTES)
    return memory_needed(weights, input_bytes(job))


def memory_needed(weights: int, inputs: int) -> int:
    """About how many bytes a network needs that has ``weights`` and gets ``inputs``, bytes both."""
    return FRAMEWORK_BYTES + AT_ONCE * (COPIES * weights + ACTIVATIONS * inputs)
