"""What this machine found out about a zoo before: nothing is read twice that has not changed meanwhile.

One file for each place, with a line of JSON for each thing that was found out; the last of its kind counts::

    ["sha256", "timm/vgg/model/vgg16-7.onnx", "553430176 1796002961513000000 ...", "5a...", 3632233996]
    ["announced", "", "...", "", 907060870]

A line ends with the CRC-32 of what it says. It is short enough to be written at once, so that several
processes may add theirs; one that a crash has cut, or of which a bit is another, is passed over. Nothing
depends on the file: it may be removed at any time.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_MOST_LINES = 2
"""Of a thing, before the file is written again without those that count no more."""


def _line(*said: str) -> str:
    return json.dumps([*said, zlib.crc32(json.dumps(said).encode())])


class Known:
    """What is known of the zoo at one place. That it cannot be kept costs nothing but time."""

    def __init__(self, file: Path | None = None) -> None:
        """``file`` is where it is kept; with None, it is forgotten with this object."""
        self._file = file
        lines = list(self._lines())
        self._found = {(kind, path): (mark, value) for kind, path, mark, value in lines}
        if len(lines) > _MOST_LINES * len(self._found):
            self._write_again()

    def sha256(self, path: str, mark: str) -> str | None:
        """The digest of the file at ``path`` in hex, where it was read with the same ``mark``."""
        before, digest = self._found.get(("sha256", path), ("", ""))
        return digest if before == mark else None

    def note_sha256(self, path: str, mark: str, digest: str) -> None:
        """Keep the digest of a file; ``mark`` is to be another one as soon as somebody has written to it."""
        self._note("sha256", path, mark, digest)

    def was_announced(self, state: str) -> bool:
        """Whether the zoo was announced, and was left, in this ``state``."""
        return self._found.get(("announced", ""), ("", ""))[0] == state

    def note_announced(self, state: str) -> None:
        """Keep the state in which the zoo was left."""
        self._note("announced", "", state, "")

    def _note(self, kind: str, path: str, mark: str, value: str) -> None:
        self._found[kind, path] = mark, value
        if self._file:
            with suppress(OSError):
                self._file.parent.mkdir(parents=True, exist_ok=True)
                with self._file.open("a", encoding="utf-8") as stream:
                    stream.write(_line(kind, path, mark, value) + "\n")

    def _lines(self) -> Iterator[tuple[str, str, str, str]]:
        try:
            text = self._file.read_text(encoding="utf-8") if self._file else ""
        except (OSError, UnicodeDecodeError):
            return
        for line in text.split("\n"):
            with suppress(ValueError):
                values = json.loads(line)
                if isinstance(values, list) and len(values) == 5 and line == _line(*values[:4]):
                    yield values[0], values[1], values[2], values[3]

    def _write_again(self) -> None:
        assert self._file
        part = self._file.with_suffix(".part")
        with suppress(OSError):
            lines = [_line(*thing, *found) for thing, found in self._found.items()]
            part.write_text("\n".join([*lines, ""]), encoding="utf-8")
            part.replace(self._file)
