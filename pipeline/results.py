"""How each unit of a run ended: what the stages return and the terminal shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["published", "done before", "failed", "inconclusive", "interrupted"]

DISK = "disk"
"""The cause where the system refused a file: it says nothing of the model."""


@dataclass(frozen=True)
class Result:
    """How one unit ended."""

    unit: str
    status: Status
    error: float | None = None
    """The largest error of any runtime, relative to the largest reference logit."""
    runtimes: Mapping[str, str] = field(default_factory=dict)
    """What became of it in each runtime: ``ok``, ``wrong``, or why it computed nothing."""
    seconds: float = 0.0
    reason: str = ""
    peak_memory: int = 0
    """The most resident bytes of any process that worked for its model; 0 where none had to."""
    stage: str = ""
    """The stage that it did not get past; empty where it was published, or had been."""
    cause: str = ""
    """One word or two for why, by which many can be counted."""

    @property
    def good(self) -> bool:
        return self.status in ("published", "done before")
