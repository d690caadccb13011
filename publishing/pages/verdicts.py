"""What a record's verdict amounts to: which runtimes agree with the source, and how far off they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publishing.record import Record


def agrees(runtime: Mapping[str, Any]) -> bool:
    """Tell whether a runtime ran the file and computed the same."""
    return runtime["outcome"] == "ran" and all(
        comparison["passed"] for comparison in runtime["comparisons"].values()
    )


def agreeing(record: Record) -> list[str]:
    """List the runtimes that ran the file and computed the same, by the record's names."""
    return [name for name, runtime in record.verdict["runtimes"].items() if agrees(runtime)]


def worst_error(runtime: Mapping[str, Any]) -> float | None:
    """Return a runtime's largest error over all data sets, as a share of the largest output, or None."""
    errors = [comparison["relative_error"] for comparison in runtime["comparisons"].values()]
    return max((error for error in errors if error is not None), default=None)


def worst_error_of(record: Record) -> float | None:
    """Return the largest relative error of the runtimes that agree with the source; None without any."""
    errors = [worst_error(record.verdict["runtimes"][name]) for name in agreeing(record)]
    return max((error for error in errors if error is not None), default=None)
