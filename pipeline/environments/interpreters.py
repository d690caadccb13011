"""Finds the Python interpreter that a source environment asks for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path


def _pyenv(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("PYENV_ROOT") or Path.home() / ".pyenv")


def path_without_shims(environment: Mapping[str, str]) -> str:
    """PATH without pyenv's folders: its shims exist for versions that are not active, and then only fail."""
    pyenv, folders = _pyenv(environment), environment.get("PATH", "").split(":")
    return ":".join(folder for folder in folders if folder and not Path(folder).is_relative_to(pyenv))


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Interpreters that may be of ``version``."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.base_prefix) / "bin" / f"python{version}"
    yield from sorted(_pyenv(environment).glob(f"versions/{version}.*/bin/python"), reverse=True)
    for folder in path_without_shims(environment).split(":"):
        interpreter = shutil.which(f"python{version}", path=folder)
        if interpreter:
            yield Path(interpreter)


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


def how_to_get(version: str) -> str:
    """What to do where there is no interpreter of ``version``."""
    return (
        f"There is no Python {version} in pyenv's folders, on PATH or among uv's own, and uv could not fetch "
        f"one. Get it with `uv python install {version}` or `pyenv install {version}`, or put a "
        f"python{version} on PATH, and run again."
    )
