"""The work folder: stages that are made once, whole, and found again after any interruption."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.system.files import read_json, sha256_of_file, write_json

_DONE = "done.json"


def done_before(folder: Path, key: str) -> dict[str, Any] | None:
    """The result of the stage in ``folder`` where it was made for ``key`` and its files are intact."""
    done = read_json(folder / _DONE)
    if not isinstance(done, dict) or done.get("key") != key:
        return None
    for name, sha256 in done["files"].items():
        path = folder / name
        if not path.is_file() or sha256_of_file(path) != sha256:
            return None
    result: dict[str, Any] = done["result"]
    return result


def make_stage(folder: Path, key: str, make: Callable[[Path], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """The JSON result of a stage and whether it had been made before.

    ``make`` fills an empty folder and returns the result; the folder gets its name only when it is
    whole. What a failed attempt leaves stays in ``<folder>.part`` for a look.
    """
    earlier = done_before(folder, key)
    if earlier is not None:
        return earlier, True
    staging = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    result = make(staging)
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    digests = {str(path.relative_to(staging)): sha256_of_file(path) for path in files}
    write_json(staging / _DONE, {"key": key, "result": result, "files": digests})
    shutil.rmtree(folder, ignore_errors=True)
    staging.rename(folder)
    return result, False
