"""The environments of the sources: described by files, made by uv, built once, shared.

An environment's folder is named by the hash of all that went into it. It is built beside, checked
by letting the framework list its models, and then renamed, under a lock: a folder that is there is whole.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from converters.interface import Source, catalogue_call
from pipeline.environments.additions import ADVICE, HASHES, add_packages, lock_requirements
from pipeline.environments.integrity import damage, look_at_new
from pipeline.environments.interpreters import find_interpreter, how_to_get, path_without_shims
from pipeline.environments.spec import EnvironmentSpec, environments_folder, spec_of
from pipeline.errors import EnvironmentBuildError, WorkerError
from pipeline.system.files import read_note, write_json, write_note
from pipeline.system.locks import locked
from pipeline.system.pip_settings import read_pip_settings, uv_variables
from pipeline.workers.processes import Command, Limits, run_process
from pipeline.workers.sources import run_worker, worker_environment

_BUILD_LIMITS = Limits(seconds=3600)
_CHECK_LIMITS = Limits(seconds=300)


@dataclass(frozen=True)
class Environment:
    """A built environment: its interpreter, and what is installed."""

    description: EnvironmentSpec
    packages: dict[str, str]
    """Name to version of every installed package, and ``python``."""
    python: Path
    """The interpreter."""
    added: dict[str, list[str]]
    """The sha256 of every file that the index has of each of the requirements on top of the lock."""


def _python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def existing(source: Source, requirements: Iterable[str] = ()) -> Environment | None:
    """The environment of ``source`` where it has been built, or is our own, else None.

    With ``requirements``, pinned packages, it is one of their own: see :func:`spec_of`.
    """
    description = spec_of(source, requirements)
    if description.own_packages is not None:
        packages = {"python": description.python, **description.own_packages}
        return Environment(description, packages, Path(sys.executable), {})
    packages = _packages_of(description)
    added = (read_note(description.folder / HASHES) or {}) if description.requirements else {}
    python = _python_of(description.folder)
    return None if packages is None else Environment(description, packages, python, added)


def _packages_of(description: EnvironmentSpec) -> Any:
    """What is installed; None where nothing is built, or somebody has removed a part of it."""
    if not _python_of(description.folder).exists():
        return None
    return read_note(description.folder / "packages.json")


def ensure(
    source: Source, requirements: Iterable[str] = (), *, stop: threading.Event, say: Callable[[str], None]
) -> Environment:
    """The environment of ``source`` with ``requirements``, built where it is missing or damaged.

    ``say`` gets one line when a build begins. Raises EnvironmentBuildError when it cannot be built
    or does not pass its health check; nothing is left in place of it then.
    """
    environment = existing(source, requirements)
    if environment and damage_of(environment) is None:
        return environment
    description = spec_of(source, requirements)
    with locked(description.folder, stop):
        environment = existing(source, requirements)
        if environment is None:
            say(f"building the {description.name} (once)")
            _build(description, stop)
        elif found := damage_of(environment):
            say(f"building the {description.name} anew, which is damaged: {found}")
            _build(replace(description, without_cache=True), stop)
    built = existing(source, requirements)
    if built is None:
        raise EnvironmentBuildError(f"the {description.name} vanished while it was built: run again.")
    return built


def damage_of(environment: Environment) -> str | None:
    """What an environment has lost since it was built; of our own others take care."""
    if environment.description.own_packages is not None:
        return None
    return damage(environment.description.folder, environment.packages)


def _staging_of(folder: Path) -> Path:
    """Where an environment is while it is built, or removed: only one that is whole has its name."""
    return folder.with_name(f"{folder.name}.part")


def _check_folder(folder: Path) -> Path:
    """Where the framework of an environment works while it is asked for its models."""
    return folder.with_name(f"{folder.name}.check")


def _build(description: EnvironmentSpec, stop: threading.Event) -> None:
    staging = _staging_of(description.folder)
    for left in (staging, description.folder):  # of a build that was killed, and of a removal
        shutil.rmtree(left, ignore_errors=True)
    begun = time.monotonic()
    try:
        _install(description, staging, stop)
        list_models(description, staging, stop)  # that the framework can answer is the health check
        packages = _installed_packages(description, staging, stop)
        write_json(staging / "build.json", {"seconds": round(time.monotonic() - begun, 1)})
        look_at_new(staging, packages)
        write_note(staging / "packages.json", packages)
        staging.rename(description.folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


_CHECK_INDEX = "Check that the package index can be reached (pip's settings are used) and run again."


def _uv(
    description: EnvironmentSpec,
    arguments: list[str],
    stop: threading.Event,
    variables: Mapping[str, str],
    advice: str = _CHECK_INDEX,
    accepted: tuple[int, ...] = (0,),
) -> str:
    """What uv prints, run as pip is set up; ``variables`` come on top. A failure is told with ``advice``."""
    from uv import find_uv_bin

    log = description.folder.with_name(f"{description.folder.name}.log")
    handed_on = uv_variables(read_pip_settings(os.environ), os.environ)
    cache = ["--no-cache"] if description.without_cache else []
    try:
        run_process(
            Command(
                [find_uv_bin(), *arguments, *cache, "--no-config", "--no-progress"],
                worker_environment({**handed_on, **description.build_variables, **variables}),
                log.parent,
            ),
            what=f"uv {arguments[0]}",
            log=log,
            limits=_BUILD_LIMITS,
            stop=stop,
            accepted=accepted,
        )
    except WorkerError as error:
        first, *more = error.lines
        raise EnvironmentBuildError(
            f"the {description.name} could not be built: {first}", *more, advice
        ) from error
    return log.read_text(encoding="utf-8", errors="replace")


def _install(description: EnvironmentSpec, staging: Path, stop: threading.Event) -> None:
    """Install the packages of the lock file, and the requirements on top, into a new one in ``staging``."""
    _make_empty(description, staging, stop)
    settings, wanted = read_pip_settings(os.environ), description.requirements
    offline = ["--no-index"] if settings.no_index else []  # uv has no variable for it
    install = ["pip", "install", "--python", str(_python_of(staging)), "--no-deps", "--require-hashes"]
    install += offline

    def uv(arguments: list[str]) -> str:
        checks = arguments[:2] == ["pip", "check"]  # of which it makes an exit code what it has found
        return _uv(description, arguments, stop, {}, ADVICE, accepted=(0, 1) if checks else (0,))

    # What there is none of is told before all else is fetched.
    shelves = _folders(settings.find_links)
    added = lock_requirements(wanted, staging, offline, shelves, uv) if wanted else None
    backend = description.torch_backend
    if backend and not _offers_torch(settings.find_links, backend):
        # PyTorch's index has the CPU build of torch; it must not be asked for anything else, because
        # its builds of other packages have other hashes than those of the lock.
        torch_lines = staging / "torch.lock"
        torch_lines.write_text(requirement_lines(description.lock.read_text(encoding="utf-8"), "torch"))
        variables = {"UV_TORCH_BACKEND": os.environ.get("UV_TORCH_BACKEND", backend)}
        _uv(description, [*install, "-r", str(torch_lines)], stop, variables)
        torch_lines.unlink()
    if description.build_constraints.exists():
        install += ["--build-constraints", str(description.build_constraints)]
    _uv(description, [*install, "-r", str(description.lock)], stop, {})
    if added:
        add_packages(wanted, staging, added, install, uv)


def _make_empty(description: EnvironmentSpec, staging: Path, stop: threading.Event) -> None:
    """Make an environment without packages; uv fetches its interpreter where there is none."""
    version = description.python
    interpreter = find_interpreter(version, os.environ)
    command = ["venv", "--relocatable", "--python", interpreter, str(staging)]
    if interpreter == version:
        variables = {"PATH": path_without_shims(os.environ)}
        _uv(description, command, stop, variables, advice=how_to_get(version))
    else:
        _uv(description, command, stop, {})


def requirement_lines(lock: str, package: str) -> str:
    """The requirements of ``package`` in the text of a lock file, with the hashes that follow them."""
    kept, inside = [], False
    for line in lock.splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            inside = line.split("==")[0].strip() == package
        if inside:
            kept.append(line)
    return "".join(kept)


def _folders(find_links: tuple[str, ...]) -> list[Path]:
    """The folders on disk among find-links; places elsewhere become folders that are not there."""
    return [Path(place.removeprefix("file://")) for place in find_links]


def _offers_torch(find_links: tuple[str, ...], backend: str) -> bool:
    """Whether a local find-links folder holds a build of torch for ``backend``."""
    return any(True for folder in _folders(find_links) for _ in folder.glob(f"torch-*+{backend}-*.whl"))


def list_models(
    description: EnvironmentSpec, folder: Path, stop: threading.Event
) -> dict[str, dict[str, Any]]:
    """Ask the framework of the environment in ``folder`` for its models: their families and preprocessing.

    Raises EnvironmentBuildError where it does not answer.
    """
    source = description.source
    work = _check_folder(description.folder)
    try:
        answer = run_worker(
            catalogue_call(source),
            python=_python_of(folder),
            variables=description.variables,
            what=f"listing the models of {source.name}",
            folder=work,
            limits=_CHECK_LIMITS,
            stop=stop,
        )
    except WorkerError as error:
        first, *more = error.lines
        raise EnvironmentBuildError(
            f"the {description.name} was built, but does not work: {first}", *more
        ) from error
    shutil.rmtree(work, ignore_errors=True)
    models: dict[str, dict[str, Any]] = answer["models"]
    return models


_PACKAGES_SCRIPT = """\
import importlib.metadata as m, json, platform
names = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in m.distributions()}
print(json.dumps({"python": platform.python_version(), **names}))
"""


def _installed_packages(description: EnvironmentSpec, folder: Path, stop: threading.Event) -> dict[str, str]:
    log = folder / "packages.log"
    command = Command([str(_python_of(folder)), "-c", _PACKAGES_SCRIPT], worker_environment({}), folder)
    run_process(command, what="listing the installed packages", log=log, limits=_CHECK_LIMITS, stop=stop)
    packages: dict[str, str] = json.loads(log.read_text(encoding="utf-8"))
    log.unlink()
    return packages


def remove(source: Source, *, stop: threading.Event) -> list[Path]:
    """Remove every environment of ``source``, those of older lock files too; what was removed.

    Each loses its name first, so that half of one is never taken for an environment.
    """
    removed = []
    for folder in sorted({left.with_suffix("") for left in environments_folder().glob(f"{source.name}-*/")}):
        with locked(folder, stop):
            staging = _staging_of(folder)
            for left in (staging, _check_folder(folder)):
                shutil.rmtree(left, ignore_errors=True)
            if folder.is_dir():
                folder.rename(staging)
                shutil.rmtree(staging)
                removed.append(folder)
    for file in environments_folder().glob(f"{source.name}-*"):
        if file.suffix in {".log", ".lock"}:
            file.unlink(missing_ok=True)
    return removed
