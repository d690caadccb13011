"""The hub's manifest as somebody may have left it: its form, its order, and what the records say."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from publishing.manifest import manifest
from publishing.record import Record

Entries = Mapping[str, Mapping[str, Any] | None]
"""The entries by their model_path; None for one whose form is wrong."""

_FORM: dict[str, type] = {
    "model": str,
    "model_path": str,
    "onnx_version": str,
    "opset_version": int,
    "metadata": dict,
    "metadata.model_sha": str,
    "metadata.model_bytes": int,
    "metadata.tags": list,
    "metadata.io_ports": dict,
    "metadata.model_with_data_path": str,
    "metadata.model_with_data_sha": str,
    "metadata.model_with_data_bytes": int,
}
"""What ``onnx.hub`` reads, and the type that it needs there."""
_CALLED: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number with a point",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def inspect_manifest(text: str, note: Callable[[str], None]) -> Entries | None:
    """Return the entries, None where there are none to speak of; ``note`` is told what is wrong."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        note(f"is damaged: it is not JSON: {error}")
        return None
    if not isinstance(entries, list):
        note(f"is damaged: it is {_CALLED[type(entries)]}, and has to be a list of models")
        return None
    by_path: dict[str, Mapping[str, Any] | None] = {}
    for number, entry in enumerate(entries, 1):
        wrong = list(_wrong_form(entry))
        for what in wrong:
            note(f"is damaged: entry {number}{_named(entry)}: {what}")
        path = entry.get("model_path") if isinstance(entry, dict) else None
        if isinstance(path, str):
            if path in by_path:
                note(f"has two entries for {path!a}")
            by_path[path] = None if wrong else entry
    if list(by_path) != sorted(by_path):
        first = next(path for path, right in zip(by_path, sorted(by_path), strict=True) if path != right)
        note(f"is not sorted by model_path: {first} is the first in a wrong place")
    return by_path


def compare_with_records(
    entries: Entries, records: Iterable[Record], unreadable: Collection[str]
) -> Iterator[str]:
    """Yield where the manifest is not what the records give.

    ``unreadable`` are the paths, without endings, of units whose records say nothing.
    """
    expected = {entry["model_path"]: entry for entry in json.loads(manifest(records))}
    for path in sorted(expected.keys() | entries.keys()):
        if path not in entries:
            yield f"has no entry for {path}, which has a record"
        elif path not in expected:
            if path.removesuffix(".onnx") not in unreadable:
                yield f"has an entry for {path!a}, which has no record"
        elif entry := entries[path]:
            yield from (f"entry {path}: {what}" for what in _differences(expected[path], entry))


def _wrong_form(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"it is {_CALLED[type(entry)]}, and has to be an object"
        return
    for key, kind in _FORM.items():
        inner, _, last = key.rpartition(".")
        place = entry.get(inner) if inner else entry
        if not isinstance(place, dict):
            continue  # told already
        if last not in place:
            yield f"{key} is missing"
        elif type(place[last]) is not kind:
            yield f"{key} is {_CALLED[type(place[last])]}, and onnx.hub needs {_CALLED[kind]}"


def _named(entry: Any) -> str:
    path = entry.get("model_path") if isinstance(entry, dict) else None
    return f" ({path!a})" if isinstance(path, str) else ""


def _differences(expected: Mapping[str, Any], published: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key in sorted(expected.keys() | published.keys()):
        right, actual = expected.get(key), published.get(key)
        if key == "metadata" and isinstance(actual, Mapping) and isinstance(right, Mapping):
            yield from _differences(right, actual, "metadata.")
        elif right != actual:
            yield f"{above}{key} is {_short(actual)}, and the record says {_short(right)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
