"""Measured times of a published model: a file of their own beside the record.

They are never the same twice, so they are no part of a record, of a key, or of what makes two zoos equal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from publishing.errors import PublishError

BENCHMARK_SUFFIX = ".benchmark.json"
_FIGURES = ("runs", "median", "p90", "p99", "pictures_per_second", "peak_memory")


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What was measured of one ONNX file on one machine."""

    name: str
    """Of the unit, or of the file."""
    sha256: str
    """Of the ONNX file: times of other bytes are not this model's."""
    bytes: int
    threads: int
    pinned: Sequence[int]
    """The processors that every process was pinned to."""
    rounds: int
    processor: Mapping[str, Any]
    """``name``, ``flags``, ``processors``, ``system``, and the ``load`` before it began."""
    runtimes: Mapping[str, Mapping[str, Any]]
    """By name: ``title``, ``version``, ``reason`` (why there are no times, or empty), ``processors``
    (those that its threads could run on in the end), and ``batches``.

    These are, by the number of pictures: ``runs``; ``median``, ``p90`` and ``p99`` in seconds;
    ``pictures_per_second``; ``peak_memory`` in bytes; and ``ratio``, the median as a multiple of the source
    framework's, or None.
    """
    source: Mapping[str, Any] | None
    """The same of the framework that the model came from; None where it was not asked."""
    remark: str
    """What is to be known of that framework's part, without a full stop: why there is none, or that its
    weights are not those of the model; or empty."""


def to_json(benchmark: Benchmark) -> str:
    """Write measured times as JSON text."""
    return json.dumps(asdict(benchmark), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Benchmark:
    """Read what :func:`to_json` wrote, which may have been damaged since.

    Raises:
        PublishError: it is not the text of measured times.
    """
    try:
        values = json.loads(text)
        if not isinstance(values, dict) or set(values) != {field.name for field in fields(Benchmark)}:
            raise ValueError("it has other fields")
        benchmark = Benchmark(**values)
        _require_text(benchmark.name, benchmark.sha256, benchmark.processor["name"], benchmark.remark)
        _require_numbers(
            benchmark.threads, benchmark.bytes, benchmark.rounds, benchmark.processor["processors"]
        )
        _require_numbers(1 + benchmark.processor["load"])  # which may be 0
        _require_text(*benchmark.processor["flags"], benchmark.processor["system"])
        for measured in (*benchmark.runtimes.values(), *([benchmark.source] if benchmark.source else [])):
            _require_text(measured["title"], measured["version"], measured["reason"])
            for batch, figures in measured["batches"].items():
                _require_numbers(int(batch), *(figures[name] for name in _FIGURES))
                if figures["ratio"] is not None:
                    _require_numbers(figures["ratio"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PublishError(f"these are no measured times: {type(error).__name__}: {error}") from error
    return benchmark


def best_latency(benchmark: Benchmark) -> tuple[str, float] | None:
    """The title of the runtime that is fastest with one picture, and its median in seconds."""
    medians = [
        (measured["batches"]["1"]["median"], measured["title"])
        for measured in benchmark.runtimes.values()
        if "1" in measured["batches"]
    ]
    if not medians:
        return None
    seconds, title = min(medians)
    return title, seconds


def _require_text(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a text is none")


def _require_numbers(*values: object) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ValueError(f"{value!r} is no positive number")
