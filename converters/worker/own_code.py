"""What export scripts share whose models are files of the user's: what may run, and what is said of it."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Dict, List, Sequence

from networks import first_line
from protocol import MODEL, TaskError


def trusted_files(request: Dict[str, Any]) -> List[str]:
    """The files of the user's that may run. Raises TaskError where none may."""
    trusted = request["options"]["trusted_code"]
    if trusted is None:
        raise TaskError(
            MODEL,
            f"{request['model']} is code, and was not run: only `run --trust-code` runs code of a model",
        )
    return [os.path.realpath(path) for path in trusted]


_KNOWN = tuple(
    os.path.realpath(folder)
    for folder in (sys.prefix, sys.base_prefix, os.path.join(os.path.dirname(__file__), os.pardir))
)
"""Folders of code that keys know already: the interpreter with its packages, and the sources."""


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


class Told:
    """Tells what code of the user's raised; its traceback goes into the log.

    ``lacking`` is added where it imports a module that is not there.
    """

    def __init__(self, what: str, lacking: str = "") -> None:
        self.what, self.lacking = what, lacking

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, TaskError):
            traceback.print_exception(kind, error, trace)
            advice = self.lacking if isinstance(error, ModuleNotFoundError) else ""
            raise TaskError(
                MODEL, f"{self.what} raised {type(error).__name__}: {first_line(error)}{advice}"
            ) from error


def require_listed(trusted: Sequence[str]) -> None:
    """Raise TaskError where code ran that is not among ``trusted``, so that no key knows of it.

    All of it lies in the folder of the first. The interpreter, its packages and our own modules may lie there
    as well, such as in a virtual environment beside a model.
    """
    folder = os.path.dirname(trusted[0])
    named = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    # Of some modules it is a name alone, which is below the work folder then, and no file.
    files = {os.path.realpath(str(name)) for name in named if name and os.path.isfile(name)}
    unknown = sorted(
        path
        for path in files - set(trusted)
        if _is_below(path, folder) and not any(_is_below(path, known) for known in _KNOWN)
    )
    if unknown:
        raise TaskError(
            MODEL,
            f"{unknown[0]} was imported in a way that cannot be seen without running it, so that a change of "
            "it would go unnoticed: import it with a plain `import` statement",
        )
