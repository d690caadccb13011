"""onnx's own operator tests, brought to older opsets: 95 of 100 give their expected numbers there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.opset_coverage.cases import HIGHEST, load_cases
from tools.opset_coverage.judging import CRASHED, INVALID, RIGHT, WRONG, Result, judge_all
from tools.opset_coverage.lowering import OPSETS
from tools.opset_coverage.report import body_table, single_table
from tools.opset_coverage.runtimes import versions

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[2] / "docs" / "opsets.md"
REMAKE = "make the document again: python -m tools.opset_coverage"
TARGETS = (9, 3)
"""Those of the document are 12 and 7 too, which are passed on the way."""
LEGAL = {9: 529, 3: 457}


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return judge_all(load_cases(TARGETS, HIGHEST), TARGETS, (OPSETS,), 2, lambda _: None)


@pytest.mark.parametrize("target", TARGETS)
def test_95_of_100_single_operators_are_right(results: list[Result], target: int) -> None:
    ours = [one for one in results if one.target == target and not one.expanded]
    assert len(ours) == LEGAL[target]
    failing = [f"{one.case}: {one.outcome}: {one.reason}" for one in ours if one.outcome != RIGHT]
    assert len(failing) <= 0.05 * len(ours), "\n".join(failing)


def test_nothing_is_silently_wrong(results: list[Result]) -> None:
    """What cannot be brought down is refused with a reason; no result is invalid or gives other numbers."""
    bad = [one for one in results if one.outcome in (WRONG, INVALID, CRASHED)]
    known = [one for one in bad if one.original_runs]
    assert [f"{one.case} at {one.target}: {one.outcome}: {one.reason}" for one in known] == []


def test_the_document_tells_the_same_counts(results: list[Result]) -> None:
    """Those of onnx.version_converter, in the last column, are of the onnx that the document names."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"Versions: {versions()}." in text, REMAKE
    told = [_without_last_column(line) for line in text.splitlines()]
    for table in (single_table(results, TARGETS), body_table(results, TARGETS)):
        assert {_without_last_column(line) for line in table} <= set(told), REMAKE


def _without_last_column(line: str) -> str:
    return line.rpartition(" | ")[0]
