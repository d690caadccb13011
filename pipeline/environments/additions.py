"""Packages on top of the lock of an environment: pinned by the user, and by the digests of the index.

None is resolved: what such a package needs itself has to be in the lock, or among the others. None is built:
only wheels are taken, as a package of sources runs code of its own while it is made into one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.config.requirements import canonical
from pipeline.errors import EnvironmentBuildError
from pipeline.system.files import sha256_of_file, write_note

HASHES = "requirements.json"
"""Where a built environment keeps the sha256 of each file that the index has of them."""
ADVICE = (
    "Check name and version of each requirement, that the package index can be reached (pip's settings are "
    "used), and that it has a wheel for this interpreter: nothing is built from sources."
)
"""What helps where they cannot be installed."""
_WHEELS = ("--only-binary", ":all:")
_NEEDS = re.compile(r"^The package `([^`]+)` requires (.+)$", re.MULTILINE)
"""How ``uv pip check`` tells of a package that lacks another, or has it in a version that will not do."""

Uv = Callable[[list[str]], str]
"""Runs uv with arguments, and answers with what it printed. Raises EnvironmentBuildError."""


def lock_requirements(
    requirements: Sequence[str], folder: Path, options: Sequence[str], shelves: Sequence[Path], uv: Uv
) -> Path:
    """Write a lock file of ``requirements`` into the environment in ``folder``, which needs nothing yet.

    ``options`` are further ones of uv, and ``shelves`` folders on disk that have packages, too: pip's
    find-links. Raises EnvironmentBuildError where there is no wheel of a package.
    """
    wanted, resolved, lock = (folder / f"requirements.{end}" for end in ("in", "txt", "lock"))
    wanted.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    plain = ["--no-deps", *_WHEELS, "--generate-hashes", "--no-header", "--no-annotate", *options]
    uv(["pip", "compile", str(wanted), "--output-file", str(resolved), *plain, *_python_in(folder)])
    hashes = _hashes(resolved.read_text(encoding="utf-8"))
    for requirement in hashes:  # of files on disk, uv tells no digests
        hashes[requirement] += map(sha256_of_file, _files_of(requirement, shelves))
    lines = (
        " ".join([requirement, *(f"--hash=sha256:{digest}" for digest in digests)])
        for requirement, digests in hashes.items()
    )
    lock.write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_note(folder / HASHES, {name: sorted(set(digests)) for name, digests in hashes.items()})
    return lock


def add_packages(
    requirements: Sequence[str], folder: Path, lock: Path, install: Sequence[str], uv: Uv
) -> None:
    """Install ``requirements``, of which ``lock`` is, with the arguments ``install`` of uv.

    Raises EnvironmentBuildError where one of them needs a package that is not there.
    """
    uv([*install, *_WHEELS, "-r", str(lock)])
    _require_complete(requirements, uv(["pip", "check", *_python_in(folder)]))


def _python_in(folder: Path) -> list[str]:
    return ["--python", str(folder / "bin" / "python")]


def _require_complete(requirements: Sequence[str], checked: str) -> None:
    """Raise EnvironmentBuildError where ``checked``, what ``uv pip check`` printed, tells of one of them."""
    added = {canonical(requirement.partition("==")[0]) for requirement in requirements}
    found = _NEEDS.findall(checked)
    lacking = [f"{name} requires {what}" for name, what in found if canonical(name) in added]
    if lacking:
        raise EnvironmentBuildError(
            f"the requirements {', '.join(requirements)} do not go together with their environment:",
            *lacking,
            "Add what is missing to requirements, each with its version; what the lock has stays as it is.",
        )


def _hashes(lock: str) -> dict[str, list[str]]:
    """The digests in a lock file by the requirements that they are of."""
    blocks = re.split(r"^(?=\S+==)", lock, flags=re.MULTILINE)
    return {
        block.split(maxsplit=1)[0]: re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
        for block in blocks
        if "==" in block
    }


def _files_of(requirement: str, shelves: Sequence[Path]) -> Iterator[Path]:
    """The wheels of ``requirement`` in folders on disk."""
    name, _, version = requirement.partition("==")
    for file in (file for shelf in shelves for file in sorted(shelf.glob("*-*.whl"))):
        package, its_version = file.name.split("-")[:2]
        if (canonical(package), its_version) == (canonical(name), version):
            yield file
