"""Models that others made long ago, at older opsets, with the outputs that came with them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import onnx
import pytest

from opsets import retarget
from tests.opsets.third_party import torch_exports, with_drawn_weights
from tools.opset_coverage.cases import Case
from tools.opset_coverage.judging import RIGHT, numbers_of
from tools.opset_coverage.lowering import OPSETS, Invalid, Refused, lower
from tools.opset_coverage.old_forms import violations
from tools.opset_coverage.runtimes import judges
from tools.opset_coverage.worker import Worker

pytestmark = pytest.mark.slow

PROCESSES = 2

DRAWN_TARGETS = (3,)
"""Of whole networks: where the walk ends that has gone through every step."""

FORBIDDEN = {
    "test_operator_add_size1_broadcast": "Add of shapes (2, 3) and (2, 1)",
    "test_operator_add_size1_singleton_broadcast": "Add of shapes (2, 3) and (1, 3)",
}
"""What a file already does as it came though its opset does not allow it; runtimes forgive it."""

SETS = {
    "torch": (torch_exports, 117),
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
def test_all_give_the_expected_numbers_but_for_those_listed(name: str, workers: SimpleQueue[Worker]) -> None:
    make, count = SETS[name]
    cases = list(make())
    assert len(cases) == count
    pairs = [(case, target) for case in cases for target in case.targets]
    with ThreadPoolExecutor(PROCESSES) as pool:
        reasons = list(pool.map(lambda pair: failure(pair[0], pair[1], workers), pairs))
    failed = {(case.name, target): why for (case, target), why in zip(pairs, reasons, strict=True) if why}
    listed = FORBIDDEN if name == "torch" else {}
    assert failed.keys() == {(case.name, target) for case, target in pairs if case.name in listed}, failed
    for (case_name, _), why in failed.items():
        assert listed[case_name] in why


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_is_forbidden_was_so_before_and_gives_the_expected_numbers(
    name: str, workers: SimpleQueue[Worker]
) -> None:
    case = next(case for case in torch_exports() if case.name == name)
    original = onnx.load_from_string(case.model)
    assert [FORBIDDEN[name] in found for found in violations(original)] == [True]
    for target in case.targets:
        assert wrong(case, target, retarget(original, target).SerializeToString(), workers) == ""


def failure(case: Case, target: int, workers: SimpleQueue[Worker]) -> str:
    """Why ``case`` is not right at ``target``; empty if it is."""
    try:
        lowered = lower(OPSETS, case.model, target)
    except (Refused, Invalid) as error:
        return str(error)
    return wrong(case, target, lowered, workers)


def wrong(case: Case, target: int, lowered: bytes, workers: SimpleQueue[Worker]) -> str:
    """How ``lowered`` does not give the numbers of ``case`` in any runtime; empty if it does."""
    worker = workers.get()
    try:
        outcome, judge, reason, _ = numbers_of(case, lowered, judges(target, lowered), worker)
    finally:
        workers.put(worker)
    return "" if outcome == RIGHT else f"{outcome} ({judge}): {reason}"
