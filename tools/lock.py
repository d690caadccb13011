"""Make a source's requirements.lock from what its folder asks for: ``python tools/lock.py timm``.

The lock pins the full closure of the source's environment with the hashes of every published file,
so that installing it resolves nothing. Read from ``converters/<source>/``, or from another folder of the
repository that has the same files, such as ``tests/opsets/torch_models``:

``requirements.in``
    What the source asks for, pinned.
``requirements-no-deps.in`` (optional)
    Packages whose own dependencies are out of date or not needed: locked alone.
``overrides.txt`` (optional)
    Requirements that replace whatever the packages themselves ask for.
``excludes.txt`` (optional)
    Names of dependencies to leave out, such as torch's CUDA packages.
``build-constraints.in`` (optional)
    What source distributions are built with; locked into ``build-constraints.txt``.
``environment.toml``
    The interpreter's version, and the variables that a build needs.

``local-builds.txt`` (optional)
    Builds of the same version that the default index lacks, such as ``torch==2.13.0+cpu``, with
    their hashes. On Linux they take the place of the default index's.

Of a source, the list of its models is written too: by ``tools/listing.py``, in the environment of the lock.

Hashes come from the default index. Local builds in the find-links folders of ``UV_FIND_LINKS`` or
``PIP_FIND_LINKS`` count as if they stood in ``local-builds.txt``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version
from uv import find_uv_bin

REPOSITORY = Path(__file__).parents[1]
PLATFORM = "x86_64-manylinux_2_28"
PARTIAL_INDEXES = (
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX_STRATEGY",
    "UV_TORCH_BACKEND",
)
"""Settings under which uv would list the hashes of some files of a version only."""

Pin = tuple[str, Version]
Builds = Mapping[Pin, set[str]]


class LockError(Exception):
    """The lock could not be made; the message says why."""


def compile_requirements(
    requirements: Path, python: str, options: Iterable[str], variables: Mapping[str, str]
) -> str:
    """Resolve ``requirements`` with uv and return its pins with hashes, as a requirements file."""
    environment = {name: value for name, value in os.environ.items() if name not in PARTIAL_INDEXES}
    command = [
        find_uv_bin(),
        "pip",
        "compile",
        "--quiet",
        "--generate-hashes",
        "--no-header",
        "--no-emit-index-url",
    ]
    command += ["--python-version", python, "--python-platform", PLATFORM, *options]
    command.append(str(requirements.relative_to(REPOSITORY)))
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**environment, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LockError(
            f"uv could not resolve {requirements.relative_to(REPOSITORY)}:\n{done.stderr.strip()}"
        )
    return done.stdout


def pin_blocks(lock: str) -> dict[Pin, str]:
    """The text of every pin of a requirements file, with the lines that belong to it, by its pin."""
    blocks: dict[Pin, str] = {}
    for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]:
        requirement = Requirement(block.split("\\\n", 1)[0].split("--hash", 1)[0].strip())
        [specifier] = requirement.specifier
        blocks[(canonicalize_name(requirement.name), Version(specifier.version))] = block
    return blocks


def find_links_folders(environment: Mapping[str, str]) -> list[Path]:
    """The local folders that uv and pip are told to look for packages in."""
    named = environment.get("UV_FIND_LINKS") or environment.get("PIP_FIND_LINKS") or ""
    return [Path(entry) for entry in re.split(r"[\s,]+", named) if entry and Path(entry).is_dir()]


def nearby_builds(folders: Iterable[Path], pins: Iterable[Pin]) -> Builds:
    """The hashes of the wheels in ``folders`` that are local builds of one of ``pins``."""
    wanted = set(pins)
    builds: dict[Pin, set[str]] = defaultdict(set)
    for wheel in sorted(path for folder in folders for path in folder.glob("*.whl")):
        try:
            name, version, _, _ = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename:
            continue
        if version.local and (name, Version(version.public)) in wanted:
            with wheel.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            builds[(name, version)].add(f"sha256:{digest}")
    return builds


def listed_builds(file: Path) -> Builds:
    """The hashes of the local builds that ``file`` lists; nothing where there is no such file."""
    if not file.exists():
        return {}
    blocks = pin_blocks(file.read_text(encoding="utf-8"))
    return {pin: hashes_of(block) for pin, block in blocks.items()}


def with_local_builds(pin: Pin, block: str, builds: Builds) -> str:
    """A pin's text, preceded by its local build where there is one: the latter is for Linux."""
    local = [(build, hashes) for build, hashes in builds.items() if is_build_of(build, pin)]
    if not local:
        return block
    [(build, hashes)] = local
    name, version = build
    lines = [f'{name}=={version} ; sys_platform == "linux"', *(f"    --hash={one}" for one in sorted(hashes))]
    first, rest = block.split(" \\\n", 1)
    return " \\\n".join(lines) + f'\n{first} ; sys_platform != "linux" \\\n{rest}'


def hashes_of(block: str) -> set[str]:
    """The hashes in a pin's text."""
    return set(re.findall(r"--hash=(\S+)", block))


def is_build_of(build: Pin, pin: Pin) -> bool:
    """Whether ``build`` is a local build of ``pin``."""
    return build[0] == pin[0] and Version(build[1].public) == pin[1]


def locked(files: list[tuple[Path, list[str]]], python: str, variables: Mapping[str, str]) -> str:
    """Lock the requirements files of one folder, each with its own options for uv, into one text."""
    blocks: dict[Pin, str] = {}
    for file, options in files:
        for pin, block in pin_blocks(compile_requirements(file, python, options, variables)).items():
            if pin[0] in {name for name, _ in blocks}:
                raise LockError(f"{pin[0]} is locked twice: take it out of {file.relative_to(REPOSITORY)}")
            blocks[pin] = block
    builds: dict[Pin, set[str]] = defaultdict(set)
    nearby = nearby_builds(find_links_folders(os.environ), blocks)
    for hashes_by_pin in (nearby, listed_builds(files[0][0].parent / "local-builds.txt")):
        for pin, hashes in hashes_by_pin.items():
            builds[pin] |= hashes
    return "".join(with_local_builds(pin, block, builds) for pin, block in sorted(blocks.items()))


def lock(source: str) -> None:
    """Write the lock files of ``source``, a source's name or a folder of the repository.

    Of a source, the list of its models too.
    """
    folder = REPOSITORY / "converters" / source
    if not folder.exists():
        folder = REPOSITORY / source
    if not (folder / "requirements.in").exists():
        raise LockError(f"{folder.relative_to(REPOSITORY)} has no requirements.in: name a source's folder")
    settings = tomllib.loads((folder / "environment.toml").read_text(encoding="utf-8"))
    python, variables = settings["python"], settings.get("build-variables", {})
    header = f"# Made by `python tools/lock.py {source}`: change what it is made from, then make it again.\n"
    options = []
    if (folder / "build-constraints.in").exists():
        constraints = locked([(folder / "build-constraints.in", [])], python, variables)
        (folder / "build-constraints.txt").write_text(header + constraints, encoding="utf-8")
        options = ["--build-constraints", str(folder / "build-constraints.txt")]
    parts = [(folder / "requirements.in", list(options))]
    for option, name in (("--overrides", "overrides.txt"), ("--excludes", "excludes.txt")):
        if (folder / name).exists():
            parts[0][1].extend([option, str((folder / name).relative_to(REPOSITORY))])
    if (folder / "requirements-no-deps.in").exists():
        parts.append((folder / "requirements-no-deps.in", [*options, "--no-deps"]))
    text = locked(parts, python, variables)
    (folder / "requirements.lock").write_text(header + text, encoding="utf-8")
    if folder.parent == REPOSITORY / "converters":
        # In a process that begins in the repository: its modules are meant, not those that are installed.
        listing = [sys.executable, "-m", "tools.listing", folder.name]
        if subprocess.run(listing, cwd=REPOSITORY, check=False).returncode != 0:
            raise LockError(f"{source} is locked, and its models could not be listed")


def main() -> None:
    """Lock the sources named on the command line."""
    parser = argparse.ArgumentParser(description="Lock the environments of sources.")
    sources_help = "a source, or another folder of the repository with the files of one"
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=sources_help)
    try:
        for source in parser.parse_args().sources:
            lock(source)
    except LockError as error:
        sys.exit(f"lock: {error}")


if __name__ == "__main__":
    main()
