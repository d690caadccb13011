"""The command that takes models out of a zoo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import PipelineError, UsageError
from pipeline.planning.planner import zoo_at
from pipeline.planning.selection import matches, near_published
from pipeline.stages.zoo_announcement import announce_zoo, signer_with


def withdraw(names: Sequence[str], place: str, key: Path | None, say: Callable[[str], None]) -> list[str]:
    """Withdraw the units that fit ``names`` from the zoo at ``place``, and announce what is left.

    ``names`` are globs over units, such as ``timm/vgg16`` or ``timm/*@{3..6}``. Returns the names of the
    units. Raises UsageError where there is no zoo or nothing fits, PipelineError where it cannot be written.
    """
    from publishing.errors import PublishError
    from publishing.units import unpublish

    zoo = zoo_at(place, Path())
    signer = signer_with(key) if key else None
    try:
        stamps = zoo.store.stamps()
        zoo.require_ours(stamps)
        published = list(zoo.units(stamps, whole=False))
        missing = [name for name in names if not any(matches(unit, name) for unit in published)]
        if missing and stamps:
            announce_zoo(zoo, signer, say)  # a command that was killed may have left it to be done
        if not published:
            raise UsageError(f"nothing is published in {zoo.store.place}.")
        if missing:
            raise UsageError(*(_unknown(name, published, zoo.store.place) for name in missing))
        units = [unit for unit in published if any(matches(unit, name) for name in names)]
        unpublish(zoo, units)
    except PublishError as error:
        raise PipelineError(str(error)) from error
    announce_zoo(zoo, signer, say)
    return units


def _unknown(name: str, published: Sequence[str], place: str) -> str:
    hint = near_published(name, published)
    return f"{name} is not published in {place}, and nothing was withdrawn.{hint}"
