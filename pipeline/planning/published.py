"""Which units of a plan are done: published with the same key, and whole."""

from __future__ import annotations

from dataclasses import replace

from pipeline.errors import UsageError
from pipeline.planning.jobs import Plan, Unit
from publishing.errors import PublishError


def look_at_published(plan: Plan) -> Plan:
    """``plan`` with its units marked that need nothing more. With ``plan.fresh``, nothing counts as done.

    Reads every file of these units where the zoo is a folder, which takes seconds for each GB. Raises
    UsageError where it cannot be read.
    """
    if plan.fresh:
        return plan
    try:
        jobs = [
            replace(job, units=tuple(replace(unit, done=_is_done(plan, unit)) for unit in job.units))
            for job in plan.jobs
        ]
    except PublishError as error:
        raise UsageError(str(error)) from error
    return replace(plan, jobs=tuple(jobs))


def _is_done(plan: Plan, unit: Unit) -> bool:
    published_unit = plan.published.get(unit.name)
    return (
        published_unit is not None
        and published_unit.record.key == unit.key
        and plan.zoo.is_intact(published_unit, plan.listed)
    )
