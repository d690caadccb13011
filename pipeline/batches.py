"""How many units of a model are worked on together."""

from __future__ import annotations

BATCH_BYTES = 2 << 30
"""Ten opsets of a large model are verified a few at a time: not all of them lie in the work folder."""


def units_at_once(model_bytes: int) -> int:
    """The number of units of a model of this size whose files take no more room than BATCH_BYTES."""
    return max(1, BATCH_BYTES // max(1, model_bytes))
