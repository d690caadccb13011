"""What the runs of this machine have taken: the figures from which the next plan says how long it takes.

One file in the cache folder: a model (``timm/vgg16``) or a unit (``timm/vgg16@7``) to what was noted of it
last. Of a model::

    {"when": "2026-01-31T12:00:00+00:00", "bytes": 553430176, "peak_memory": 1447034880,
     "seconds": {"inputs": 0.4, "export": 11.2, "unit": 9.1, "benchmark": 95.3}}

``bytes`` are those of its native export; ``peak_memory`` the most resident bytes of any process that
worked for it; ``seconds`` those that its fixed inputs and its export took, the mean of a unit (retargeted,
verified and written), and the mean of timing a unit. Of a unit: ``when`` and its ``seconds``, a number.
Nothing depends on this file: it may be removed at any time.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.system.files import cache_folder, read_json, write_json
from pipeline.system.interrupts import Interrupted
from pipeline.system.locks import locked

Entry = dict[str, Any]

BENCHMARK = "benchmark"
"""The name of the seconds that it took to time a unit."""
_MOST_ENTRIES = 5000


def history_file() -> Path:
    """Where the history is kept."""
    return cache_folder() / "history.json"


def read_history() -> dict[str, Entry]:
    """What was noted, by the names of models and units; nothing where the file is missing or broken."""
    history = read_json(history_file())
    if not isinstance(history, dict):
        return {}
    return {name: entry for name, entry in history.items() if _is_entry(entry)}


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("when"), str)


def note(entries: Mapping[str, Entry], stop: threading.Event) -> None:
    """Note what models and units have taken; stages that were not done this time keep their seconds.

    The oldest entries make room for the newest. That it cannot be written costs no run anything.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    with contextlib.suppress(PipelineError, Interrupted), locked(history_file(), stop):
        history = read_history()
        for name, entry in entries.items():
            history[name] = {**_merged(history.get(name, {}), entry), "when": when}
        kept = sorted(history, key=lambda name: str(history[name]["when"]))[-_MOST_ENTRIES:]
        write_json(history_file(), {name: history[name] for name in kept})


def _merged(old: Entry, new: Entry) -> Entry:
    before, now = old.get("seconds"), new.get("seconds")
    if isinstance(before, dict) and isinstance(now, dict):
        return {**old, **new, "seconds": before | now}
    return {**old, **new}
