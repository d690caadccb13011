"""What comes of a case at a target: lowered, run by the runtimes that can, compared with what is expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np

from tools.opset_coverage.cases import Array, Case
from tools.opset_coverage.runtimes import (
    EXACT,
    ONNXRUNTIME,
    OPENCV,
    OPENVINO,
    RAISED,
    also_as_written,
    judges,
)
from tools.opset_coverage.worker import Worker

RIGHT, WRONG, NOT_RUN, REFUSED = "right", "wrong", "not run", "refused"
INVALID, CRASHED = "invalid", "crashed"
"""The outcomes. A tool that raises what it does not announce, or ends its process, has crashed."""


ORIGINAL = (ONNXRUNTIME, OPENVINO, EXACT)
"""The runtimes of which one should get a case right as it came."""


@dataclass(frozen=True)
class Result:
    """What came of a case brought to a target by a tool."""

    case: str
    operator: str
    expanded: bool
    target: int
    legal: bool
    """Whether every operator of the case exists at the target with its types."""
    tool: str
    outcome: str
    judge: str = ""
    """The runtime whose numbers decided."""
    reason: str = ""
    dissent: tuple[str, ...] = ()
    """Runtimes whose numbers differ from the expected ones although another's agree."""
    original_runs: bool | None = None
    """Whether a runtime gets the case right as it came; known only of cases that are not right below."""


def judge_all(
    cases: list[Case],
    targets: tuple[int, ...],
    tools: tuple[str, ...],
    processes: int,
    tell: Callable[[int], None],
) -> list[Result]:
    """All results, in the order of the cases; ``tell`` hears how many cases are done."""
    workers: SimpleQueue[Worker] = SimpleQueue()
    everyone = [Worker() for _ in range(processes)]
    for worker in everyone:
        workers.put(worker)

    def judged(case: Case) -> list[Result]:
        worker = workers.get()
        try:
            return list(judge_case(case, targets, tools, worker))
        finally:
            workers.put(worker)

    results: list[Result] = []
    try:
        with ThreadPoolExecutor(processes) as pool:
            for number, results_of_case in enumerate(pool.map(judged, cases), start=1):
                results += results_of_case
                tell(number)
    finally:
        for worker in everyone:
            worker.close()
    return results


def judge_case(
    case: Case, targets: tuple[int, ...], tools: tuple[str, ...], worker: Worker
) -> Iterator[Result]:
    """The results of one case: at the targets where it is legal, or at all where it is a function body."""
    original_runs: bool | None = None
    for target in targets:
        legal = target in case.targets
        if not (legal or case.expanded):
            continue
        for tool in tools:
            outcome, judge, reason, dissent = judged_numbers(case, target, tool, worker)
            if outcome != RIGHT and original_runs is None:
                original_runs = any(
                    gets_original(case, name, worker) for name in (ONNXRUNTIME, OPENVINO, EXACT)
                )
            yield Result(
                case.name,
                case.operator,
                case.expanded,
                target,
                legal,
                tool,
                outcome,
                judge,
                reason,
                dissent,
                None if outcome == RIGHT else original_runs,
            )


Verdict = tuple[str, str, str, tuple[str, ...]]
"""Outcome, judge, reason, dissent, as in :class:`Result`."""


def judged_numbers(case: Case, target: int, tool: str, worker: Worker) -> Verdict:
    answer = worker.call("lower", tool, case.model, target)
    if answer.kind != "done":
        outcome = {"refused": REFUSED, "invalid": INVALID}.get(answer.kind, CRASHED)
        return outcome, "", answer.reason, ()
    verdict = numbers_of(case, answer.value, judges(target, answer.value), worker)
    if verdict[:2] == (RIGHT, ONNXRUNTIME) and also_as_written(answer.value):
        as_written = numbers_of(case, answer.value, (EXACT,), worker)
        return verdict if as_written[0] == RIGHT else as_written
    return verdict


def numbers_of(case: Case, model: bytes, names: tuple[str, ...], worker: Worker) -> Verdict:
    """Right if a runtime gives the expected numbers, wrong if the most trusted that runs it does not.

    Another is asked after a wrong answer only where the answer may be the runtime's own mistake.
    """
    differing: dict[str, str] = {}
    refusals: dict[str, str] = {}
    for name in names:
        if differing and name not in (OPENVINO, RAISED):
            continue  # OpenCV and onnx.reference take files wrongly that happen to fit
        answer = worker.call("run", name, model, case.inputs)
        if answer.kind != "done":
            refusals[name] = answer.reason
            continue
        difference = differs(answer.value, case, loose=name == OPENCV)
        if not difference:
            return RIGHT, name, "", tuple(differing)
        differing[name] = difference
        if name == ONNXRUNTIME and gets_original(case, name, worker):
            break
    if differing:
        judge, difference = next(iter(differing.items()))
        return WRONG, judge, difference, ()
    return NOT_RUN, "", "; ".join(f"{name}: {reason}" for name, reason in refusals.items()), ()


def gets_original(case: Case, runtime: str, worker: Worker) -> bool:
    """Whether ``runtime`` gives the expected numbers for the case as it came."""
    answer = worker.call("run", runtime, case.model, case.inputs)
    return answer.kind == "done" and not differs(answer.value, case, loose=runtime == OPENCV)


def differs(outputs: list[Array], case: Case, loose: bool) -> str:
    """How ``outputs`` differ from the expected ones; empty if not beyond the case's tolerance.

    Integers and booleans have to be equal.

    ``loose`` compares numbers of any type: for runtimes that compute everything in float32.
    """
    if len(outputs) != len(case.expected):
        return f"{len(outputs)} outputs instead of {len(case.expected)}"
    for index, (output, expected) in enumerate(zip(outputs, case.expected, strict=True)):
        if output.shape != expected.shape:
            return f"output {index} has shape {output.shape} instead of {expected.shape}"
        if expected.dtype.kind in "OUS":
            if [str(one) for one in output.flat] != [str(one) for one in expected.flat]:
                return f"output {index} has other texts"
            continue
        if output.dtype != expected.dtype and not loose:
            return f"output {index} has type {output.dtype} instead of {expected.dtype}"
        one, other = output.astype(np.float64), expected.astype(np.float64)
        exact = expected.dtype.kind in "biu"
        relative, absolute = (0.0, 0.0) if exact else (case.relative, case.absolute)
        wrong = ~np.isclose(one, other, relative, absolute, equal_nan=True)
        if wrong.any():
            error = np.max(np.abs(one[wrong] - other[wrong]))  # nan where one of the two is
            return f"output {index} differs at {wrong.sum()} of {wrong.size} places, by up to {error:.2g}"
    return ""
