"""Every boundary of every operator of the default domain is adapted, claimed unchanged, or impossible.

Up to the highest target in both directions.
"""

from __future__ import annotations

import onnx
import pytest

import opsets.conversion  # noqa: F401 - registers every operator
from opsets import HIGHEST_TARGET
from opsets.facts.versions import since_version
from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED, Step

LOWEST, HIGHEST = 3, onnx.defs.onnx_opset_version()

BOUNDARIES = sorted(
    {
        (schema.name, int(schema.since_version))
        for schema in onnx.defs.get_all_schemas_with_history()
        if schema.domain == "" and LOWEST < schema.since_version <= HIGHEST and not schema.deprecated
    }
)


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: f"{boundary[0]}-{boundary[1]}")
def test_a_boundary_has_exactly_one_entry(boundary: tuple[str, int]) -> None:
    operator, newer = boundary
    assert _entries((operator, newer, newer - 1)) == 1


# What is deprecated becomes something else, and what is new at a boundary has nothing below to come from.
BOUNDARIES_UP = sorted(
    {
        (schema.name, int(schema.since_version))
        for schema in onnx.defs.get_all_schemas_with_history()
        if schema.domain == ""
        and LOWEST < schema.since_version <= HIGHEST_TARGET
        and since_version(schema.name, schema.since_version - 1) is not None
    }
)


@pytest.mark.parametrize("boundary", BOUNDARIES_UP, ids=lambda boundary: f"{boundary[0]}-{boundary[1]}")
def test_a_boundary_has_exactly_one_entry_for_the_way_up(boundary: tuple[str, int]) -> None:
    operator, newer = boundary
    assert _entries((operator, newer - 1, newer)) == 1


def _entries(step: Step) -> int:
    return [step in entries for entries in (ADAPTERS, UNCHANGED, IMPOSSIBLE)].count(True)
