"""Starts the worker by its path: ``python start_worker.py request.json result.json``.

So the interpreter may be that of another environment, which has to find its own packages and of ours
this room alone: on the module search path, our packages would come before them.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOM = Path(__file__).resolve().parent


def main() -> None:
    """Make this room importable as ``parity``, and serve the request named on the command line."""
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != ROOM]  # put there by Python
    spec = importlib.util.spec_from_file_location(
        "parity", ROOM / "__init__.py", submodule_search_locations=[str(ROOM)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOM} is not a package")
    package = importlib.util.module_from_spec(spec)
    sys.modules["parity"] = package
    spec.loader.exec_module(package)
    importlib.import_module("parity.worker").main()


if __name__ == "__main__":
    main()
