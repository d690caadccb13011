"""Models that others made long ago, at older opsets, with the outputs that came with them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest

from tests.opsets.third_party import TARGETS, torch_exports, with_drawn_weights, zoo_models
from tools.opset_coverage.cases import Case
from tools.opset_coverage.judging import RIGHT, numbers_of
from tools.opset_coverage.lowering import OPSETS, Refused, lower
from tools.opset_coverage.runtimes import judges
from tools.opset_coverage.worker import Worker

PROCESSES = 2

DRAWN_TARGETS = (3,)
"""Where the walk ends that has gone through every step."""

STOPPED = {
    f"test_operator_non_float_params@{target}": "input 0 may not be tensor(int64) at opset 5"
    for target in (5, 4, 3)
}
"""What does not come down, and a part of the reason: Add took no integers before opset 6."""

SETS = {
    "torch": (torch_exports, 117),
    "zoo": (lambda: zoo_models(TARGETS), 9),
    "drawn": (lambda: with_drawn_weights(DRAWN_TARGETS), 9),
}
"""By name: the models, and how many there are."""


@pytest.fixture(scope="module")
def workers() -> Iterator[SimpleQueue[Worker]]:
    """Processes for the runtimes, which may abort."""
    waiting: SimpleQueue[Worker] = SimpleQueue()
    everyone = [Worker() for _ in range(PROCESSES)]
    for worker in everyone:
        waiting.put(worker)
    yield waiting
    for worker in everyone:
        worker.close()


@pytest.mark.parametrize("name", SETS)
def test_all_give_the_expected_numbers_but_for_those_listed(
    name: str, workers: SimpleQueue[Worker]
) -> None:
    make, count = SETS[name]
    cases = list(make())
    assert len(cases) == count
    pairs = {f"{case.name}@{target}": (case, target) for case in cases for target in case.targets}
    with ThreadPoolExecutor(PROCESSES) as pool:
        failures = dict(zip(pairs, pool.map(lambda pair: failure(*pair, workers), pairs.values()), strict=True))
    failed = {pair: reason for pair, reason in failures.items() if reason}
    listed = STOPPED.keys() & pairs.keys()
    assert failed.keys() == listed, failed
    for pair in listed:
        assert STOPPED[pair] in failed[pair]


def failure(case: Case, target: int, workers: SimpleQueue[Worker]) -> str:
    """Why ``case`` is not right at ``target``; empty if it is."""
    try:
        lowered = lower(OPSETS, case.model, target)
    except Refused as error:
        return str(error)
    worker = workers.get()
    try:
        outcome, judge, reason, _ = numbers_of(case, lowered, judges(target), worker)
    finally:
        workers.put(worker)
    return "" if outcome == RIGHT else f"{outcome} ({judge}): {reason}"
