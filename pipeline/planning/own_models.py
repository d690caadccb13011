"""Models that files of the user's describe: code that builds them, and configs of a framework."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OwnModel(ABC):
    """A model that files of the user's describe: see the classes that are derived from it."""

    files: tuple[Path, ...]
    """Absolute: the one that was named, then those beside it that it needs."""

    @property
    def argument(self) -> str:
        """What the export script is asked for."""
        return str(self.files[0])

    @property
    def names(self) -> list[str]:
        """The paths of its files, relative to the folder of the first."""
        folder = self.files[0].parent
        return [Path(os.path.relpath(file, folder)).as_posix() for file in self.files]

    @property
    def runs_code(self) -> bool:
        """Whether something of the user's runs when it is built."""
        return True

    @property
    @abstractmethod
    def described(self) -> str:
        """What runs, for whoever is to trust it."""


@dataclass(frozen=True)
class CodeModel(OwnModel):
    """A model that code of the user's builds: a function of a module, or a TorchScript archive.

    Its files are the module or the archive, then the modules beside it that the first one imports.
    """

    function: str
    """Empty for an archive."""

    @property
    def argument(self) -> str:
        return f"{self.files[0]}:{self.function}" if self.function else str(self.files[0])

    @property
    def described(self) -> str:
        first, *others = self.files
        if not self.function:
            return f"the TorchScript archive {first}"
        return f"{self.function} of {first}{_and_others(', which imports', others)}"


@dataclass(frozen=True)
class ConfigModel(OwnModel):
    """A model that a config of the user's describes: the config, then those that it is based on."""

    packaged: tuple[str, ...]
    """The configs in the framework's own package that it is based on, as it names them."""
    label_files: tuple[Path, ...]
    """Absolute: the files with names of classes that it names, which need not be there."""

    @property
    def runs_code(self) -> bool:
        return any(file.suffix == ".py" for file in self.files)

    @property
    def described(self) -> str:
        first, *others = (file for file in self.files if file.suffix == ".py")
        own = f"the config {first}{_and_others(', based on', others)}"
        return own + _and_others(" and, of the framework's package,", self.packaged)


def _and_others(what: str, others: Iterable[object]) -> str:
    listed = ", ".join(map(str, others))
    return f"{what} {listed}" if listed else ""
