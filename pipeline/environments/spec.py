"""What the files in a source's folder say of its environment."""

from __future__ import annotations

import platform
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from converters.interface import Source
from converters.registry import SOURCES
from pipeline.system.files import cache_folder, digest_of, sha256_of_file

_LAYOUT = 1  # raise it when what a built folder holds changes


def environments_folder() -> Path:
    """Where environments live: below the user's cache folder."""
    return cache_folder() / "environments"


@dataclass(frozen=True)
class EnvironmentSpec:
    """What the files in a source's folder say of its environment."""

    source: Source
    python: str
    gigabytes: float | None
    """What it takes on disk, about."""
    torch_backend: str | None
    own_packages: dict[str, str] | None = None
    """Where our own interpreter is the environment: versions of those of our packages that do the work."""
    variables: dict[str, str] = field(default_factory=dict)
    build_variables: dict[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    """Pinned packages on top of those of the lock, ``name==version``, in the order of the alphabet."""
    without_cache: bool = False
    """Whether uv fetches every package anew: files of its cache and of a damaged environment may be one."""

    @property
    def described(self) -> str:
        """The source whose lock it is made of, and what comes on top."""
        return f"{self.source.name}{self._added}"

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return f"{self.source.name} environment{self._added}"

    @property
    def _added(self) -> str:
        return f" with {', '.join(self.requirements)}" if self.requirements else ""

    @property
    def lock(self) -> Path:
        return self.source.folder / "requirements.lock"

    @property
    def build_constraints(self) -> Path:
        """Pins for building what has no wheel; the file may be absent."""
        return self.source.folder / "build-constraints.txt"

    @property
    def identity(self) -> str:
        """The hash of everything that determines what gets installed, or of what is."""
        if self.own_packages is not None:
            return digest_of({"python": self.python, "packages": self.own_packages})
        constraints = self.build_constraints
        added = {"requirements": self.requirements} if self.requirements else {}
        return digest_of(
            {
                **added,
                "layout": _LAYOUT,
                "python": self.python,
                "machine": [sys.platform, platform.machine()],
                "lock": sha256_of_file(self.lock),
                "build-constraints": sha256_of_file(constraints) if constraints.exists() else None,
                "build-variables": self.build_variables,
                "torch-backend": self.torch_backend,
            }
        )

    @property
    def folder(self) -> Path:
        return environments_folder() / f"{self.source.name}-{self.identity[:16]}"


def spec_of(source: Source, requirements: Iterable[str] = ()) -> EnvironmentSpec:
    """Read the environment files of ``source``, or of the one whose environment it shares.

    With ``requirements``, pinned packages, it is another environment, which has these on top. Of ONNX files,
    say what we are ourselves.
    """
    if source.reads_onnx_files:
        packages = {name: version(name) for name in ("numpy", "onnx", "onnxruntime")}
        return EnvironmentSpec(source, platform.python_version(), 0.0, None, packages)
    if source.environment:
        return spec_of(SOURCES[source.environment], requirements)
    written = tomllib.loads((source.folder / "environment.toml").read_text(encoding="utf-8"))
    return EnvironmentSpec(
        source=source,
        python=written["python"],
        gigabytes=written.get("gigabytes"),
        torch_backend=written.get("torch-backend"),
        variables=written.get("variables", {}),
        build_variables=written.get("build-variables", {}),
        requirements=tuple(sorted(set(requirements))),
    )
