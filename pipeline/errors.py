"""Every error that reaches a user: what happened, to what, and what to do next.

Library code raises these; only the command line turns them into an exit code.
"""

from __future__ import annotations

from pathlib import Path

from publishing.addresses import without_secrets
from publishing.foreign_text import visible

PUBLISHED, NOT_PUBLISHED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all published; some model was not; the command or the file is wrong; interrupted."""


class PipelineError(Exception):
    """The base of all: one clear message, no traceback, and no secret of an address in it.

    Each argument is one line, whatever file names and foreign words are in it: a line feed within would be
    theirs, and is shown as one.
    """

    exit_code = NOT_PUBLISHED
    cause = "refused"
    """One word or two for what kind of failure it is, by which many are counted."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(visible(without_secrets(line)) for line in lines))

    @property
    def lines(self) -> list[str]:
        """The message, to go into another one."""
        return str(self).split("\n")


class UsageError(PipelineError):
    """The command line or the pipeline file is wrong; nothing was started."""

    exit_code = WRONG_INPUT


class DigestError(UsageError):
    """A file's sha256 is not the one that the pipeline file gives."""


class FetchError(PipelineError):
    """A file could not be fetched."""

    cause = "not fetched"


class EnvironmentBuildError(PipelineError):
    """The environment of a source could not be built."""

    cause = "not built"


class DiskSpaceError(PipelineError):
    """The disk has not the room that a run needs; nothing was started. The same command may go on later."""


class WorkerError(PipelineError):
    """A process of its own failed: it refused, raised, crashed, hung or ate the memory."""

    cause = "crash"


class TimeLimitError(WorkerError):
    """A process did not end within its limit."""

    cause = "time limit"


class MemoryLimitError(WorkerError):
    """A process grew past its limit."""

    cause = "memory limit"


class TaskFailedError(WorkerError):
    """An export script ended its task and said why: ``cause`` is the kind that it gave."""

    def __init__(self, cause: str, *lines: str) -> None:
        super().__init__(*lines)
        self.cause = cause


class VerdictError(PipelineError):
    """The converted model does not compute what the framework computes, or nobody can tell."""

    cause = "nobody can tell"


class FiguresError(PipelineError):
    """The model does not have the figures that a document gives for it, and nobody explains why."""

    cause = "other figures"


def last_lines(log: Path, count: int = 8) -> list[str]:
    """The last ``count`` lines of a log that are not empty, quoted, to go into a message."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 16384))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ["  (no log)"]
    lines = [line for line in without_secrets(text).splitlines() if line.strip()]
    return quoted("\n".join(line[:300] for line in lines[-count:])) or ["  (the log is empty)"]


_QUOTED = "  | "


def quoted(text: str) -> list[str]:
    """The lines that others wrote, each behind a mark, so that none can be taken for one of ours."""
    lines = [line.rstrip().expandtabs() for line in text.splitlines() if line.strip()]
    return [visible(line if line.startswith(_QUOTED) else _QUOTED + line) for line in lines]


def foreign_message(message: str) -> list[str]:
    """A message that others wrote, to go into one of ours: its first line, and the rest :func:`quoted`."""
    first, _, rest = message.strip().replace("\r\n", "\n").partition("\n")
    return [visible(first.rstrip()), *quoted(rest)]


def clean_log(log: Path) -> None:
    """Take the secrets of addresses out of what a process has written into ``log``."""
    text = log.read_text(encoding="utf-8", errors="surrogateescape")
    clean = without_secrets(text)
    if clean != text:
        log.write_text(clean, encoding="utf-8", errors="surrogateescape")
