"""How the work on a zoo grows with it: 1,000 artifacts beside 4,000, and a finished job of 1,000.

``python -m benchmarks.many_artifacts`` needs the ``test`` extra. A pipeline file asks for networks of timm
at ten opsets; a tiny network is published in the place of each unit, with the key that the plan gives it, so
that the job counts as finished. Then the commands of a user run, each in a process of its own. It prints the
seconds of each, and the time of an artifact among 4,000 as a multiple of that among 1,000, which may be 1.3;
what it takes to start the program is taken away from both. A finished job of 1,000 may take 2 s to be
recognised. What has to be read of large files is not counted here: once they were read, none is read again.
``verify`` unpacks every archive and asks every runtime that it can. All takes half an hour.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from statistics import mean

import onnx

import opsets
from benchmarks.jobs import write_job_of_timm
from benchmarks.promises import Figure, print_and_leave
from benchmarks.start_up import PIPELINE, seconds
from converters.catalogue import read_catalogue
from converters.registry import SOURCES
from pipeline.planning.jobs import Plan, Unit
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection
from pipeline.stages.zoo_announcement import announce_zoo
from publishing.record import Description
from publishing.units import Material, publish
from tests.publishing.pages.catalogue_zoo import unit as unit_of_zoo
from tests.publishing.verified_zoo import data_sets, described_inputs, network
from tests.publishing.zoos import PICTURE, PICTURE_PATH

MODELS = (100, 400)
"""At ten opsets each."""
LARGEST_GROWTH = 1.3
LONGEST_SECONDS = 2.0
COMMANDS = {
    "plan": (*PIPELINE, "plan", "pipeline.yaml"),
    "run, all done": (*PIPELINE, "run", "pipeline.yaml"),
    "verify --digests-only": (*PIPELINE, "verify", "zoo", "--digests-only"),
    "verify": (*PIPELINE, "verify", "zoo"),
}


def asked(folder: Path, models: int) -> Plan:
    """The plan of a new pipeline file in ``folder`` that names so many networks."""
    names = sorted(read_catalogue(SOURCES["timm"]))[:models]
    return make_plan(read_checked(write_job_of_timm(folder, names)), Selection())


def materials(folder: Path) -> dict[int, Material]:
    """A tiny network at each opset."""
    found = {}
    for opset in range(3, 13):
        file = folder / f"{opset}.onnx"
        onnx.save(network(opset), file)
        found[opset] = Material(file, opsets.read_graph(file), data_sets(), {PICTURE_PATH: PICTURE})
    return found


def described(unit: Unit, family: str) -> Description:
    """What a run would say of ``unit``."""
    alike = unit_of_zoo(unit.name, family=family)
    values = {each.name: getattr(alike, each.name) for each in fields(Description)}
    digest = hashlib.sha256(PICTURE).hexdigest()
    shown = [{**row, "thumbnail": PICTURE_PATH, "thumbnail_sha256": digest} for row in alike.predictions]
    own = {"key": unit.key, "made_of": unit.made_of, "inputs": described_inputs(), "predictions": shown}
    return Description(**values | own)


def publish_all(plan: Plan, by_opset: dict[int, Material]) -> dict[str, float]:
    """Publish something for every unit of ``plan``, and announce it; the seconds of both."""
    begun = time.perf_counter()
    for job in plan.jobs:
        for unit in job.units:
            family = job.listed.family if job.listed else "none"
            publish(plan.zoo, by_opset[unit.opset], described(unit, family))
    published = time.perf_counter()
    announce_zoo(plan.zoo, None, print)
    return {"publish": published - begun, "announce": time.perf_counter() - published}


def measured(folder: Path, models: int) -> dict[str, float]:
    """The seconds of all that is done with a zoo of so many models.

    As many artifacts are published of few models as of many, in zoos of their own: a disk takes the first
    thousand files sooner than those that come after them.
    """
    zoos = [folder / str(number) for number in range(MODELS[1] // models)]
    with tempfile.TemporaryDirectory() as scratch:
        by_opset, each = materials(Path(scratch)), []
        for zoo in zoos:
            zoo.mkdir(parents=True)
            each.append(publish_all(asked(zoo, models), by_opset))
    taken = {name: mean(zoo[name] for zoo in each) for name in each[0]}
    for name, arguments in COMMANDS.items():
        if name != "verify":  # of which nothing is kept that would make the second one faster
            seconds(arguments, zoos[0])
        taken[name] = seconds(arguments, zoos[0])
    return taken


def measure() -> list[Figure]:
    """How the time of an artifact grows, and how long a finished job takes."""
    with tempfile.TemporaryDirectory() as folder:
        start = seconds((*PIPELINE, "--help"), Path(folder))
        few, many = (measured(Path(folder, str(models)), models) for models in MODELS)
    least, most = (models * 10 for models in MODELS)
    figures = []
    for name, taken in few.items():
        own = start if name in COMMANDS else 0.0
        growth = (many[name] - own) / MODELS[1] / ((taken - own) / MODELS[0])
        figures += [
            Figure(f"{name}, {least} artifacts", taken, "s"),
            Figure(f"{name}, growth from {least} to {most}", growth, at_most=LARGEST_GROWTH),
        ]
    recognised = few["run, all done"]
    return [*figures, Figure("a finished job is recognised in", recognised, "s", at_most=LONGEST_SECONDS)]


if __name__ == "__main__":
    print_and_leave(measure())
