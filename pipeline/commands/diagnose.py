"""The commands that find the first tensor that differs: of a unit of a pipeline file, and of two files."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import EvaluationError
from opsets.errors import RetargetError
from parity.compare import Tolerance
from parity.errors import ParityError
from pipeline.errors import NOT_PUBLISHED, PUBLISHED, PipelineError, UsageError
from pipeline.system.interrupts import interruptible
from pipeline.terminal.wording import for_terminal, say
from publishing.foreign_text import visible

if TYPE_CHECKING:
    from pipeline.diagnosis.findings import Outcome
    from pipeline.environments.run_environments import RunEnvironments
    from pipeline.planning.jobs import Plan


def diagnose_unit(name: str, file: Path, output: Path | None, *, trust_code: bool) -> int:
    """Print what came of each comparison of the unit ``name`` of a pipeline file; the exit code.

    What is found goes into ``output``, a folder for each finding. Raises UsageError before anything is
    started, PipelineError where something cannot be made or run, and Interrupted.
    """
    from pipeline.environments.run_environments import RunEnvironments
    from pipeline.planning.planner import make_plan, read_checked
    from pipeline.planning.selection import Selection

    folder = _free(output or Path(f"diagnosis-{_plain(name)}"))
    whole = make_plan(read_checked(file), Selection(trust_code=trust_code))
    plan = _of_one_unit(whole, name, file)
    stop = threading.Event()
    try:
        with interruptible(stop):
            outcomes = _diagnosed(plan, RunEnvironments(stop=stop, say=say), stop, folder)
    except OSError as error:
        raise _no_room(error, plan.work) from error
    except (EvaluationError, RetargetError, ParityError) as error:
        raise PipelineError(visible(str(error))) from error
    return _exit_code(outcomes)


def _no_room(error: OSError, place: Path) -> PipelineError:
    return PipelineError(
        f"{error.filename or place}: {error.strerror or error}. Make room, or make it writable."
    )


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9@._-]+", "-", name)


def _free(folder: Path) -> Path:
    """``folder``, into which a diagnosis is to be written. Raises UsageError."""
    if folder.exists():
        raise UsageError(f"--output: {folder} is there already; remove it, or name another folder.")
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"--output: there is no folder {folder.parent}; make it first.")
    return folder


def _of_one_unit(plan: Plan, name: str, file: Path) -> Plan:
    """``plan`` of the unit ``name`` alone. Raises UsageError where there is none that can be diagnosed."""
    from pipeline.planning.selection import near_published

    found = [(job, unit) for job in plan.jobs for unit in job.units if unit.name == name]
    if not found:
        near = near_published(name, (unit.name for unit in plan.units))
        raise UsageError(f"{file} has no unit {name!r}; one is named like timm/resnet18@12.{near}")
    [(job, unit)] = found
    if unit.version.is_reduced:
        raise UsageError(
            f"{unit.name} is made of {job.name}@{unit.opset} and computes something else by what it is; "
            "diagnose that one."
        )
    if job.untrusted:
        raise UsageError(f"{job.name} is code. Look at it, and diagnose it with --trust-code.")
    return replace(plan, jobs=(replace(job, units=(unit,)),))


def _diagnosed(plan: Plan, built: RunEnvironments, stop: threading.Event, folder: Path) -> list[Outcome]:
    from pipeline.diagnosis.running import Runner
    from pipeline.diagnosis.unit import UnitDiagnosis
    from pipeline.planning.jobs import SIMPLIFIED
    from pipeline.stages.export import make_export
    from pipeline.stages.model_run import ModelRun
    from pipeline.stages.simplification import simplified_export
    from pipeline.system.locks import locked
    from pipeline.terminal.output import console_for_progress
    from pipeline.terminal.progress import progress_on

    [job] = plan.jobs
    [unit] = job.units
    with progress_on(console_for_progress()) as progress:
        run = ModelRun(job, plan, progress, built, stop)
        had_work = run.work.exists()
        with locked(run.work, stop):
            try:
                export = make_export(run)
                if unit.version.variant == SIMPLIFIED:
                    export = simplified_export(run, export)
                with tempfile.TemporaryDirectory(prefix="diagnosis-", dir=run.work) as scratch:
                    runner = Runner(Path(scratch), stop, run.limits)
                    writer = _Writer(folder)
                    outcomes = UnitDiagnosis(run, unit, export, runner).outcomes(writer.tell)
            finally:
                if not had_work:
                    shutil.rmtree(run.work, ignore_errors=True)
        progress.finish(job.name)
    writer.print()
    return outcomes


class _Writer:
    """Writes findings into folders of their own, and prints all at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lines = folder, list[str]()

    def tell(self, outcome: Outcome) -> None:
        """Write what shows a finding, if it is one, and keep what is said of it."""
        from pipeline.diagnosis.report import lines_of
        from pipeline.diagnosis.reproduction import write_reproduction

        place = None
        if outcome.finding:
            place = self._folder / _plain(outcome.title)[:80]
            write_reproduction(outcome.finding, place)
        self._lines += lines_of(outcome, place)

    def print(self) -> None:
        """Print all lines."""
        print("\n".join(map(for_terminal, self._lines)))


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    return NOT_PUBLISHED if any(outcome.differs for outcome in outcomes) else PUBLISHED


def diagnose_files(
    first: Path, second: Path, inputs: Path | None, relative: float, output: Path | None
) -> int:
    """Print the first tensor that differs between two files, and write what shows it; the exit code.

    Raises UsageError, PipelineError and Interrupted.
    """
    from pipeline.diagnosis.files import diagnose_files as diagnose
    from pipeline.diagnosis.files import inputs_of
    from pipeline.diagnosis.running import Runner
    from pipeline.equivalence.graphs import read

    try:
        Tolerance(relative)
    except ValueError as error:
        raise UsageError(f"--relative: {error}.") from error
    folder = _free(output or Path(f"diagnosis-{_plain(second.stem)}"))
    graphs = read(first), read(second)
    made = inputs_of(*graphs, inputs)
    stop = threading.Event()
    try:
        with interruptible(stop), tempfile.TemporaryDirectory(prefix="pipeline-diagnose-") as scratch:
            outcome = diagnose(*graphs, made, relative, Runner(Path(scratch), stop))
            writer = _Writer(folder)
            writer.tell(replace(outcome, text="; ".join([outcome.text, *made.notes])))
    except OSError as error:
        raise _no_room(error, Path(tempfile.gettempdir())) from error
    writer.print()
    return _exit_code([outcome])
