"""The checksums as somebody may have left them: lines, paths and order."""

from __future__ import annotations

import re
from collections.abc import Callable

from publishing.inspection.readers import is_inside
from publishing.manifest import checksums

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_MOST = 5
"""Bad lines that are told one by one; a file that is something else altogether has thousands."""


def inspect_checksums(text: str, note: Callable[[str], None]) -> dict[str, str]:
    """Return the digests in hex by path that can be relied on to be such; ``note`` is told of the rest."""
    digests: dict[str, str] = {}
    bad = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if not match:
            bad.append(f"is damaged: line {number} is no sha256 and path: {line[:100]!a}")
        elif not is_inside(match[2]):
            bad.append(f"was made to harm: line {number} leads elsewhere: {match[2][:100]!a}")
        elif match[2] in digests:
            bad.append(f"lists {match[2]} twice, the second time in line {number}")
        else:
            digests[match[2]] = match[1]
    for what in bad[:_MOST]:
        note(what)
    if len(bad) > _MOST:
        note(f"is damaged: {len(bad) - _MOST:,} more lines are no better")
    if not bad and text != checksums(digests):
        note("was edited: its lines are not those, and in the order, that are published")
    return digests
