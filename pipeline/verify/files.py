"""Brings the files of a zoo here, wherever they lie, and holds each against what is announced of it."""

from __future__ import annotations

import hashlib
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pipeline.system.interrupts import Interrupted
from publishing.inspection.lists import Announced
from publishing.inspection.readers import AbsentError, Reader, UnreadableError, blocks_of

MISSING = "is missing"
_LARGEST = 8 << 30
"""Bytes of a file of which nobody announces how many it has; no archive has more."""


@dataclass(frozen=True)
class Fetched:
    """A file that was read to its end, or as far as it took to see that it is wrong."""

    sha256: str
    bytes: int
    wrong: str
    """What is wrong with it; empty where it is what was announced."""
    local: Path | None
    """Where it is on this machine; None unless it was asked for, and is right."""


def fetch(
    reader: Reader, path: str, announced: Announced | None, stop: threading.Event, keep: Path | None = None
) -> Fetched:
    """Read a file in blocks, compute its digest, and compare.

    With ``keep``, it is on this machine afterwards: there, or where it lies already.

    Raises:
        OSError: ``keep`` cannot be written.
        Interrupted: ``stop`` was set.
    """
    digest, size = hashlib.sha256(), 0
    limit = announced.bytes if announced and announced.bytes is not None else _LARGEST
    local = reader.local(path) if keep else None
    with ExitStack() as stack:
        output = stack.enter_context(keep.open("wb")) if keep and not local else None
        try:
            for block in blocks_of(reader, path):
                if stop.is_set():
                    raise Interrupted
                size += len(block)
                if size > limit:
                    return Fetched("", size, f"has more than the {limit:,} bytes that it should have", None)
                digest.update(block)
                if output:
                    output.write(block)
        except AbsentError:
            return Fetched("", 0, MISSING, None)
        except UnreadableError as error:
            return Fetched("", size, f"cannot be read: {error}", None)
    wrong = _difference(digest.hexdigest(), size, announced)
    return Fetched(digest.hexdigest(), size, wrong, None if wrong else local or keep)


def _difference(sha256: str, size: int, announced: Announced | None) -> str:
    if announced is None or sha256 == announced.sha256:
        return ""
    if announced.bytes is not None and size < announced.bytes:
        return f"is cut short: {size:,} of {announced.bytes:,} bytes are there"
    return f"was changed: its sha256 is {sha256}, and {announced.by} says {announced.sha256}"
