"""How sizes, times and lines are worded for a person, and how any text is made fit for a terminal."""

from __future__ import annotations

import re
import sys

from publishing.addresses import without_secrets
from publishing.foreign_text import visible, visible_lines

_COMMAND = re.compile(r"^(?P<space>\s*):(?=:)|#(?=#\[)", re.MULTILINE)
"""What begins a command to the runner of GitHub Actions, which reads the logs of what it runs: ``::name::``
first in a line, ``##[name]`` anywhere (ActionCommand.cs of actions/runner)."""


def size_text(size: float) -> str:
    """A number of bytes with a unit that fits: ``553 MB``, ``5.5 GB``; units of 1000."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB" if size < 999.5 else f"{size / 1000:.1f} TB"


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``0.4 s``, ``40 s``, ``7 min``, ``2 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def for_terminal(text: str) -> str:
    r"""``text`` as it may be printed: nothing moves the cursor, commands or tells a secret.

    Every way to standard output and standard error leads through here, so nothing has to be trusted to have
    been escaped before. Line feeds alone stay: a message of ours may have lines, and nobody can tell here
    whose a line feed is. That a file forges no line is seen to where its text enters a message: by the errors
    of pipeline and publishing themselves, by ``visible`` and by :func:`one_line`. Commands to GitHub Actions
    get ``\u003a`` and ``\u0023`` for their first character, which JSON reads as what they stand for. A second
    time changes nothing.
    """
    return _COMMAND.sub(_disarmed, visible_lines(without_secrets(text)))


def _disarmed(match: re.Match[str]) -> str:
    return "\\u0023" if match[0] == "#" else f"{match['space']}\\u003a"


def one_line(text: str) -> str:
    """``text``, such as a name or a cell of a table, as :func:`for_terminal` has it, in one line."""
    return for_terminal(visible(text))


def say(message: str) -> None:
    """Print a line on standard error: what a command tells while it works, beside its result."""
    print(for_terminal(message), file=sys.stderr, flush=True)
