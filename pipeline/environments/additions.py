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
from pipeline.system.files import sha256_of_file, write_json

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


def add_packages(
    requirements: Sequence[str], folder: Path, install: Sequence[str], shelves: Sequence[Path], uv: Uv
) -> None:
    """Install ``requirements`` into the environment in ``folder``, with the arguments ``install`` of uv.

    ``shelves`` are folders on disk that have packages, too: pip's find-links. Raises EnvironmentBuildError
    where there is no wheel of a package, or where it needs one that is not there.
    """
    wanted, resolved, lock = (folder / f"requirements.{end}" for end in ("in", "txt", "lock"))
    wanted.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    offline = ["--no-index"] if "--no-index" in install else []
    python = ["--python", str(folder / "bin" / "python")]
    plain = ["--no-deps", *_WHEELS, "--generate-hashes", "--no-header", "--no-annotate"]
    uv(["pip", "compile", str(wanted), "--output-file", str(resolved), *plain, *python, *offline])
    hashes = _hashes(resolved.read_text(encoding="utf-8"))
    for requirement in hashes:  # of files on disk, uv tells no digests
        hashes[requirement] += map(sha256_of_file, _files_of(requirement, shelves))
    lines = (
        " ".join([requirement, *(f"--hash=sha256:{digest}" for digest in digests)])
        for requirement, digests in hashes.items()
    )
    lock.write_text("\n".join(lines) + "\n", encoding="utf-8")
    uv([*install, *_WHEELS, "-r", str(lock)])
    write_json(folder / HASHES, {name: sorted(set(digests)) for name, digests in hashes.items()})
    _require_complete(requirements, uv(["pip", "check", *python]))


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
