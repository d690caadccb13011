"""How each unit of a run ended: what the stages return and the terminal shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["published", "done before", "failed", "inconclusive", "interrupted"]


@dataclass(frozen=True)
class Result:
    """How one unit ended."""

    unit: str
    status: Status
    error: float | None = None
    """The largest error of any runtime, relative to the largest reference logit."""
    runtimes: str = ""
    seconds: float = 0.0
    reason: str = ""
    peak_memory: int = 0
    """The most resident bytes of any process that worked for its model; 0 where none had to."""

    @property
    def good(self) -> bool:
        return self.status in ("published", "done before")
