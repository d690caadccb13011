"""Runs models in a runtime, in a process of its own; one that ends the process costs only itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from opsets import RetargetError, read_graph
from parity.call import STARTER, Ending, Run, RuntimeCall, read_running, read_runs
from parity.file_marks import QUANTIZED_OPERATORS, may_hold
from parity.quantized import is_quantized
from parity.runtimes.registry import RUNTIMES
from pipeline.errors import TimeLimitError, WorkerError
from pipeline.workers.forks import Preloaded
from pipeline.workers.processes import AT_ONCE, Command, Limits, run_process
from pipeline.workers.sources import worker_environment
from publishing.addresses import without_secrets
from publishing.foreign_text import in_one_line


def without_log(message: str) -> str:
    """``message`` in one line, without its log: what is published names no file of this machine."""
    kept = [line for line in message.splitlines() if not line.startswith("  ")]
    return " ".join(line.split(". Its log, ")[0] for line in kept)


def is_quantized_file(model: Path) -> bool:
    """Whether the graph of a file is; one that cannot be read is left to the runtimes, which say why."""
    try:
        if not may_hold(model, QUANTIZED_OPERATORS):
            return False
        graph = read_graph(model).graph
    except (OSError, ValueError, RetargetError):
        return False
    return is_quantized(node.op_type for node in graph.node)


def _preloaded(call: RuntimeCall) -> Preloaded:
    """What the process of ``call`` imports, whatever the models."""
    modules = RUNTIMES[call.runtime].MODULES
    return Preloaded(call.python, STARTER, modules, tuple(sorted(call.environment.items())))


def runs_of(call: RuntimeCall, limits: Limits, stop: threading.Event) -> dict[str, Run]:
    """The runs of all models of ``call``.

    A model that ends the process costs only itself: the others go on in another process. Neither
    does it answer for the time and the memory of those before it: it is tried once more, alone first.
    """
    runs: dict[str, Run] = {}
    attempt = 0
    while len(runs) < len(call.models):
        rest = call.without(runs, call.folder / str(attempt))
        finished, ended = _run(rest, limits, stop)
        first = next(iter(rest.models))
        runs |= {key: run for key, run in finished.items() if key != ended or key == first}
        attempt += 1
    return runs


def runs_of_file(calls: Sequence[RuntimeCall], limits: Limits, stop: threading.Event) -> dict[str, Run]:
    """The run of each call, all of which have the one model ``model``, by runtime."""
    made = side_by_side(calls, lambda call: runs_of(call, limits, stop))
    return {runtime: runs["model"] for runtime, runs in made.items()}


def side_by_side(
    calls: Sequence[RuntimeCall], run: Callable[[RuntimeCall], dict[str, Run]]
) -> dict[str, dict[str, Run]]:
    """What ``run`` answers to each call, by runtime; no runtime is called twice."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip((call.runtime for call in calls), pool.map(run, calls), strict=True))


def _run(call: RuntimeCall, limits: Limits, stop: threading.Event) -> tuple[dict[str, Run], str | None]:
    """The runs of one process, and the model that ended it, if any did."""
    call.folder.mkdir(parents=True)
    call.write_request()
    ending: Ending = "exited"
    detail = ""
    try:
        environment = worker_environment(call.environment)
        command = Command(call.command, environment, call.folder, _preloaded(call))
        run_process(command, what=call.runtime, log=call.folder / "worker.log", limits=limits, stop=stop)
    except TimeLimitError as error:
        ending, detail = "timed out", str(error)
    except WorkerError as error:
        ending, detail = "crashed", str(error)
    runs = read_runs(call, ending, detail)
    # What a runtime says is printed, and published in the record.
    printable = {
        key: replace(run, reason=in_one_line(without_secrets(run.reason))) for key, run in runs.items()
    }
    return printable, read_running(call)
