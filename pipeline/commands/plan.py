"""What ``plan`` prints: every unit, and what is left takes on disk and in time."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.estimates.estimate import Estimate, ModelEstimate, estimate
from pipeline.estimates.shards import WHOLE, Shard, share_of
from pipeline.planning.completion import look_at_published
from pipeline.planning.jobs import Plan, Unit
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.system.interrupts import interruptible
from pipeline.terminal.output import console_for_output
from pipeline.terminal.text_tables import Column, Table, print_table
from pipeline.terminal.wording import duration, one_line, size_text

_COLUMNS = (
    Column("model", numbers=False),
    Column("to do"),
    Column("weights"),
    Column("to publish"),
    Column("work"),
    Column("about"),
)


def print_plan(plan: Plan, estimate: Estimate, *, explain: bool) -> None:
    """Every unit, with the reason if it is to ``explain``, every model to do, and what it takes in all."""
    names = [one_line(unit.name) for unit in plan.units]
    states = [_explained(unit) if explain else _state(unit) for unit in plan.units]
    width = max(map(len, names), default=0)
    for name, state in zip(names, states, strict=True):
        print(f"{name:<{width}}  {state}")
    done = sum(unit.done for unit in plan.units)
    print(f"{len(plan.units)} units, {done} done, {len(plan.units) - done} to do")
    if estimate.models:
        print()
        print_table(Table(_COLUMNS, tuple(map(_row, estimate.models))), console_for_output())
        print("\n" + "\n".join(_summary(estimate)))


def _state(unit: Unit) -> str:
    return "done" if unit.done else "to do"


def _explained(unit: Unit) -> str:
    return f"{_state(unit)}: {one_line(unit.missing) or 'it is published, and whole'}"


def _row(model: ModelEstimate) -> tuple[str, ...]:
    sizes = ["?" if size is None else size_text(size) for size in (model.weights, model.publish, model.work)]
    return (model.name, str(model.units), *sizes, "?" if model.seconds is None else duration(model.seconds))


def _summary(estimate: Estimate) -> list[str]:
    lines = []
    for room in estimate.rooms:
        parts = ", ".join(f"{size_text(need.bytes)} {need.purpose} in {need.folder}" for need in room.needs)
        verdict = "" if not room.missing else f": {size_text(room.missing)} too little"
        lines.append(
            f"disk: {parts}; with a margin {size_text(room.needed)} of {size_text(room.free)} free{verdict}"
        )
    timed = [model for model in estimate.models if model.seconds_by]
    if timed:
        here = sum(model.seconds_by == "history" for model in timed)
        by = {0: "by their size", len(timed): "by what they took here before"}.get(
            here, f"{here} of {len(timed)} by what they took here before, the others by their size"
        )
        lines.append(f"time: about {duration(estimate.seconds)}, {by}")
    benchmarks = sum(model.benchmark_seconds or 0.0 for model in estimate.models)
    if benchmarks:
        lines.append(f"of it, to time what is published: about {duration(benchmarks)}")
    if estimate.unknown:
        count = len(estimate.unknown)
        lines.append(f"not counted: {count} model{'s' * (count > 1)} of unknown size")
    return lines


def plan_json(plan: Plan, estimate: Estimate) -> str:
    """Units, models and totals; bytes and seconds are numbers, and null where they are not known."""
    units = [
        {
            "name": unit.name,
            "model": job.name,
            "opset": unit.opset,
            "done": unit.done,
            "missing": unit.missing,
        }
        for job in plan.jobs
        for unit in job.units
    ]
    disk: list[dict[str, Any]] = [
        {
            "needed": room.needed,
            "free": room.free,
            "parts": [
                {"purpose": need.purpose, "folder": str(need.folder), "bytes": need.bytes}
                for need in room.needs
            ],
        }
        for room in estimate.rooms
    ]
    return json.dumps(
        {
            "publish": plan.zoo.store.place,
            "work": str(plan.work),
            "units": units,
            "models": [asdict(model) for model in estimate.models],
            "disk": disk,
            "seconds": round(estimate.seconds, 1),
            "environments_to_build": list(estimate.unbuilt),
        },
        indent=2,
    )


def plan_file(path: Path, selection: Selection) -> Plan:
    """The plan of a pipeline file, none of its units done: no published file was looked at for that."""
    with interruptible(threading.Event()):
        return make_plan(read_checked(path), selection)


def plan_of_rest(path: Path, selection: Selection, shard: Shard = WHOLE) -> Plan:
    """The plan of a pipeline file, or of a share of its models, with the units marked that are done."""
    with interruptible(threading.Event()):
        return look_at_published(share_of(make_plan(read_checked(path), selection), shard))


def estimate_file(
    path: Path, selection: Selection, at_once: int, shard: Shard = WHOLE
) -> tuple[Plan, Estimate]:
    """The plan of a pipeline file, and what is left of it takes with ``at_once`` models at a time."""
    plan = plan_of_rest(path, selection, shard)
    return plan, estimate(plan, at_once)
