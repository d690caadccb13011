"""Which units of a plan need nothing more, and why the others do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline.errors import UsageError
from pipeline.planning.jobs import Plan, Unit
from publishing.errors import PublishError

_DIGITS_OF_A_DIGEST = 12
_NOTHING = "nothing"


def look_at_published(plan: Plan) -> Plan:
    """``plan`` with its units marked that need nothing more. With ``plan.fresh``, nothing counts as done.

    Reads the files of these units where the zoo is a folder, which takes seconds for each GB, and those alone
    that are not as this machine has read or written them before. Raises UsageError where one cannot be read.
    """
    if plan.fresh:
        return plan
    try:
        jobs = [replace(job, units=tuple(_looked_at(plan, unit) for unit in job.units)) for job in plan.jobs]
    except PublishError as error:
        raise UsageError(str(error)) from error
    return replace(plan, jobs=tuple(jobs))


def _looked_at(plan: Plan, unit: Unit) -> Unit:
    missing = _missing(plan, unit)
    return replace(unit, done=not missing, missing=missing)


def _missing(plan: Plan, unit: Unit) -> str:
    """Why ``unit`` is not done; empty where it is."""
    published = plan.published.get(unit.name)
    if published is None:
        return "it is not published, or a file of it is missing or cut"
    if published.record.key != unit.key:
        return f"changed since it was published: {changes(published.record.made_of, unit.made_of)}"
    path = plan.zoo.changed_file(published, plan.listed)
    return f"{path} is not as it was published" if path else ""


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The names of what is not as it was, with values where these are short, such as versions."""
    names = [name for name in (*now, *(before.keys() - now.keys())) if before.get(name) != now.get(name)]
    if not before or not names:  # a record of another version of the pipeline
        return "what the record does not tell"
    return ", ".join(_change(name, before.get(name, ""), now.get(name, "")) for name in names)


def _change(name: str, before: str, now: str) -> str:
    if any(len(value) == _DIGITS_OF_A_DIGEST for value in (before, now)):
        return name
    return f"{name} (it was {before or _NOTHING}, and is {now or _NOTHING})"
