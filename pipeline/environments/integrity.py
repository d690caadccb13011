"""What an environment has lost since it was built: a cleaner of caches or a full disk may have had a part.

Each installed package brings a list of its files with their sizes, RECORD:
https://packaging.python.org/en/latest/specifications/recording-installed-packages/. Sizes are what is looked
at, of 20,000 files in a third of a second; to read all of a framework would take as long as to import it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from pipeline.config.requirements import canonical


def damage(folder: Path, packages: Iterable[str]) -> str | None:
    """What first is found missing or of another size in the environment ``folder``; None where all is well.

    ``packages`` are the names of all that were installed into it.
    """
    installed = {
        canonical(found.name): (site, found)
        for site in folder.glob("lib/python*/site-packages")
        for found in distributions(path=[str(site)])
    }
    for package in packages:
        if canonical(package) not in installed:
            return f"the package {package} is missing"
        if wrong := _wrong(*installed[canonical(package)]):
            return wrong
    return None


def _wrong(site: Path, package: Distribution) -> str | None:
    for file in package.files or ():
        # What describes the package is written anew by installers.
        if file.size is None or file.parent.name.endswith(".dist-info"):
            continue
        try:
            size = (site / file).stat().st_size
        except OSError:
            return f"{file} is missing"
        if size != file.size:
            return f"{file} has {size} bytes of {file.size}"
    return None
