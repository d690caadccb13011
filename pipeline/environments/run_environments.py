"""The environments of one run: each is looked at once, and one that cannot be built is not tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from converters.interface import Source
from pipeline.environments import building
from pipeline.environments.building import Environment
from pipeline.errors import EnvironmentBuildError

_Asked = tuple[str, tuple[str, ...]]
"""The name of a source, and the packages on top of its lock."""
EnvironmentOf = Callable[[Source], Environment]
"""The environment of a source, built where it is missing. Raises EnvironmentBuildError."""


class RunEnvironments:
    """What a run knows of the environments of its sources; many threads may ask.

    A build takes minutes and its failure does not pass by itself, so every model of the source gets
    the failure of the first attempt.
    """

    def __init__(self, *, stop: threading.Event, say: Callable[[str], None]) -> None:
        """``say`` gets one line when a build begins, and one when it has failed."""
        self._stop, self._say = stop, say
        self._failures: dict[_Asked, str] = {}
        self._whole: set[_Asked] = set()
        self._lock = threading.Lock()

    def ensure(self, source: Source, requirements: tuple[str, ...] = ()) -> Environment:
        """The environment of ``source`` with ``requirements``, pinned packages on top of its lock.

        Raises EnvironmentBuildError, the same one for every model.
        """
        asked = (source.name, requirements)
        environment = building.existing(source, requirements)
        if environment and (asked in self._whole or building.damage_of(environment) is None):
            self._whole.add(asked)
            return environment
        with self._lock:
            if asked not in self._failures:
                try:
                    return building.ensure(source, requirements, stop=self._stop, say=self._say)
                except EnvironmentBuildError as error:
                    self._failures[asked] = str(error)
                    first_line = str(error).splitlines()[0]
                    self._say(f"{first_line}\nThe run goes on without what needs this environment")
            raise EnvironmentBuildError(*self._failures[asked].split("\n"))

    def available(self, source: Source, requirements: tuple[str, ...] = ()) -> Environment | None:
        """The environment of ``source``, built where it is missing; None where it cannot be built."""
        try:
            return self.ensure(source, requirements)
        except EnvironmentBuildError:
            return None

    def failure(self, source: Source, requirements: tuple[str, ...] = ()) -> str | None:
        """Why the environment of ``source`` could not be built, where this run has tried in vain."""
        return self._failures.get((source.name, requirements))
