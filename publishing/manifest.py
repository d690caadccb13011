"""The two lists at the top of a publish folder: the hub's manifest and the checksums.

Both are made from the records alone, so they can be made again at any time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from publishing.record import Record

MANIFEST = "ONNX_HUB_MANIFEST.json"
CHECKSUMS = "SHA256SUMS"
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>.+)")


def manifest(records: Iterable[Record]) -> str:
    """Write the manifest that ``onnx.hub`` reads, sorted by the models' paths."""
    return _text(sorted((_entry(record) for record in records), key=lambda entry: str(entry["model_path"])))


def without_models(text: bytes, paths: Collection[str]) -> str | None:
    """A manifest without its entries for the models at ``paths``; None where it is none that we wrote."""
    try:
        entries = json.loads(text)
        return _text([entry for entry in entries if entry["model_path"] not in paths])
    except (ValueError, TypeError, KeyError):
        return None


def _text(entries: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def checksums(digests: Mapping[str, str]) -> str:
    """Write the list that ``sha256sum --check`` reads, from digests in hex by path."""
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests))


def read_checksums(text: bytes) -> dict[str, str]:
    """Read what :func:`checksums` wrote: digests by path. Lines that are none of its kind are left out."""
    lines = text.decode(errors="replace").splitlines()
    return {match["path"]: match["digest"] for line in lines if (match := _LINE.fullmatch(line))}


def _entry(record: Record) -> dict[str, Any]:
    model, archive = record.files["onnx"], record.files["tar.gz"]
    return {
        # The client picks by this name, whatever its case, and opset alone: sources share names.
        "model": record.name.replace(f"@{record.opset}", ""),
        "model_path": model.path,
        "onnx_version": record.onnx_version,
        "opset_version": record.opset,
        "metadata": {
            "model_sha": model.sha256,
            "model_bytes": model.bytes,
            "tags": model.path.split("/")[:-1],
            "io_ports": record.io_ports,
            "model_with_data_path": archive.path,
            "model_with_data_sha": archive.sha256,
            "model_with_data_bytes": archive.bytes,
        },
    }
