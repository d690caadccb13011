"""Finds the Python interpreter that a source environment asks for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Interpreters that may be of ``version``, real ones before anything that might be a shim."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.base_prefix) / "bin" / f"python{version}"
    pyenv = Path(environment.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    for folder in environment.get("PATH", "").split(":"):
        # A pyenv shim exists for versions that are not active, and then only prints an error.
        if folder and not Path(folder).is_relative_to(pyenv):
            found = shutil.which(f"python{version}", path=folder)
            if found:
                yield Path(found)


def _is_version(interpreter: Path, version: str) -> bool:
    command = [str(interpreter), "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def find_interpreter(version: str, environment: Mapping[str, str]) -> str:
    """An interpreter of ``version`` (such as ``3.11``), for uv's ``--python``.

    Looks at our own, at pyenv's folders and on PATH; where there is none, answers with the version
    itself, for uv to look among its own and to download one.
    """
    for candidate in _candidates(version, environment):
        if candidate.is_file() and _is_version(candidate, version):
            return str(candidate)
    return version
