"""The commands about the environments of the sources."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from converters.interface import Source
from converters.registry import frameworks
from pipeline.config.mistakes import source_named
from pipeline.environments import building
from pipeline.environments.spec import spec_of
from pipeline.errors import UsageError
from pipeline.system.interrupts import interruptible
from pipeline.terminal.wording import say


def _named(sources: Sequence[str]) -> list[Source]:
    for name in sources:
        if source_named(name).reads_onnx_files:
            raise UsageError(f"{name} has no environment: the pipeline's own interpreter runs its files.")
        if shared := source_named(name).environment:
            raise UsageError(f"{name} has no environment of its own: it runs in that of {shared}.")
    return [source_named(name) for name in sources] or list(frameworks().values())


def environment_rows() -> list[str]:
    """A line for each source: its name, whether its environment is built, its folder."""
    rows = []
    for source in frameworks().values():
        environment = building.existing(source)
        folder = spec_of(source).folder
        state = f"built, {len(environment.packages)} packages" if environment else "not built"
        rows.append(f"{source.name:<12} {state:<24} {folder}")
    return rows


def build_environments(sources: Sequence[str]) -> None:
    """Build the environments of the sources named, or of all."""
    wanted = _named(sources)
    stop = threading.Event()
    with interruptible(stop):
        for source in wanted:
            environment = building.ensure(source, stop=stop, say=say)
            say(f"{source.name}: built, in {environment.description.folder}")


def remove_environments(sources: Sequence[str]) -> list[str]:
    """Remove the environments of the sources named, or of all; what was removed."""
    stop = threading.Event()
    with interruptible(stop):
        removed = [folder for source in _named(sources) for folder in building.remove(source, stop=stop)]
    return [f"removed {folder}" for folder in removed] or ["there was nothing to remove"]
