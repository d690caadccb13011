"""What an environment has lost since it was built: a cleaner of caches or a full disk may have had a part.

Each installed package brings a list of its files with their sizes, RECORD:
https://packaging.python.org/en/latest/specifications/recording-installed-packages/. Sizes are what is looked
at, of 20,000 files in a third of a second; to read all of a framework would take as long as to import it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pipeline.config.requirements import canonical

_UNLIKE_ITS_LISTS = "unlike-its-lists.txt"
"""In an environment that was not as its packages list it when it was new: a wheel's list may be wrong."""


def look_at_new(folder: Path, packages: Iterable[str]) -> None:
    """Note of an environment that was just built whether :func:`damage` can tell anything of it later."""
    if found := damage(folder, packages):
        (folder / _UNLIKE_ITS_LISTS).write_text(found, encoding="utf-8")


def damage(folder: Path, packages: Iterable[str]) -> str | None:
    """What first is found missing or of another size in the environment ``folder``; None where all is well.

    ``packages`` are the names of all that were installed into it, and ``python``.
    """
    if (folder / _UNLIKE_ITS_LISTS).exists():
        return None
    # Not importlib.metadata, whose lists leave out what is missing in some versions of Python.
    installed = {
        canonical(about.name.partition("-")[0]): about
        for about in folder.glob("lib/python*/site-packages/*.dist-info")
    }
    for package in sorted(set(packages) - {"python"}):
        if canonical(package) not in installed:
            return f"the package {package} is missing"
        if wrong := _wrong(package, installed[canonical(package)]):
            return wrong
    return None


def _wrong(package: str, about: Path) -> str | None:
    """What is first found of the ``package`` that the folder ``about`` describes."""
    try:
        record = (about / "RECORD").read_text(encoding="utf-8")
        rows = [(name, int(size)) for name, _, size in csv.reader(record.splitlines()) if size]
    except OSError:
        return f"the list of the files of {package} is missing"
    except ValueError:
        return f"the list of the files of {package} cannot be read"
    for name, size in rows:
        if PurePosixPath(name).parent.name.endswith(".dist-info"):
            continue  # what describes the package is written anew by installers
        try:
            found = (about.parent / name).stat().st_size
        except OSError:
            return f"{name} is missing"
        if found != size:
            return f"{name} has {found} bytes of {size}"
    return None
