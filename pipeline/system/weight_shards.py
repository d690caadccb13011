"""Weights that lie in several files, and the index that names these.

The index is JSON as Hugging Face's ``save_pretrained`` writes it, ``model.safetensors.index.json`` or
``pytorch_model.bin.index.json``: its ``weight_map`` has the file of every tensor.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from pipeline.errors import UsageError

SUFFIX = ".index.json"


def is_index(path: Path) -> bool:
    """Whether a file of weights is the index of several others."""
    return path.name.endswith(SUFFIX)


def shards_of(index: Path) -> list[Path]:
    """The files that ``index`` names, each once, in its order.

    Raises UsageError where it is none, where it names a file outside of its own folder, and where a file is
    not there.
    """
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{index} cannot be read as the index of shards: {error}.") from error
    by_tensor = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(by_tensor, dict) or not by_tensor:
        raise UsageError(f"{index} is no index of shards: it has no weight_map from tensors to files.")
    names = list(dict.fromkeys(map(str, by_tensor.values())))
    for name in names:
        if not _stays_inside(name):
            raise UsageError(
                f"{index} names the file {name!r}, which is not in its folder, and nothing outside of that "
                "is read. Put its shards beside it."
            )
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise UsageError(
            f"{index} names {len(names)} files, and {missing[0]!r} is not there. Put its shards beside it."
        )
    return [index.parent / name for name in names]


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        bool(parts) and not name.startswith("/") and ".." not in parts and not set(name) & {"\\", ":", "\0"}
    )
