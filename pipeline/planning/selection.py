"""What the command line picks out of a pipeline file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache

from pipeline.planning.jobs import Version


@dataclass(frozen=True)
class Selection:
    """What the command line picks out of a pipeline file."""

    only: tuple[str, ...] = ()
    opsets: tuple[int, ...] = ()
    publish: str | None = None
    fresh: bool = False
    trust_code: bool = False
    """Whether code of the user's may be run, which no pipeline file can say."""

    def takes(self, model: str, version: Version) -> bool:
        """Whether the unit of ``model`` (``source/name``) in a version is picked."""
        return (not self.opsets or version.opset in self.opsets) and (
            not self.only or any(matches(f"{model}@{version}", pattern) for pattern in self.only)
        )


def near_published(name: str, published: Iterable[str]) -> str:
    """What else ``name``, which fits no unit of ``published``, may mean; empty where none is near."""
    units = list(published)
    models = dict.fromkeys(unit.partition("@")[0] for unit in units)
    near = get_close_matches(name, [*units, *models], n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


@cache
def _spellings(pattern: str) -> list[str]:
    from bracex import expand

    return [spelling.lower() for spelling in expand(pattern if "@" in pattern else f"{pattern}@*")]


def matches(name: str, pattern: str) -> bool:
    """Whether the unit ``name`` fits a glob such as ``timm/*@{3..6}``; without ``@``, any version.

    ``*`` also matches slashes; braces hold alternatives or a range, as in a shell. Case does not count:
    no two models of a file differ in case alone.
    """
    return any(fnmatchcase(name.lower(), spelling) for spelling in _spellings(pattern))
