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
    """Raise TaskError where code ran that is not among ``trusted``, so that no key knows of it."""
    folder = os.path.dirname(trusted[0]) + os.sep
    files = {
        os.path.realpath(str(getattr(module, "__file__", None) or "")) for module in [*sys.modules.values()]
    }
    unknown = sorted(path for path in files - set(trusted) if path.startswith(folder))
    if unknown:
        raise TaskError(
            MODEL,
            f"{unknown[0]} was imported in a way that cannot be seen without running it, so that a change of "
            "it would go unnoticed: import it with a plain `import` statement",
        )
