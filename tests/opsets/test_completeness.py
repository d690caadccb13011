"""Every boundary of every operator of the default domain is adapted, claimed unchanged, or impossible."""

from __future__ import annotations

import onnx
import pytest

import opsets.lowering  # noqa: F401 - registers every operator
from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED

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
    assert [boundary in entries for entries in (ADAPTERS, UNCHANGED, IMPOSSIBLE)].count(True) == 1
