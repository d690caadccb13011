"""One entry per boundary."""

from __future__ import annotations

import pytest

from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED, adapts, impossible, refuses, unchanged


def test_a_second_entry_is_refused_whatever_its_kind() -> None:
    before = (dict(ADAPTERS), dict(UNCHANGED), dict(IMPOSSIBLE))
    for operator, newer in (("Softmax", 13), ("Add", 13), ("Optional", 15)):
        with pytest.raises(ValueError, match=f"{operator} {newer} to {newer - 1} is registered twice"):
            adapts(operator, newer, newer - 1)
        with pytest.raises(ValueError, match="registered twice"):
            unchanged(operator, newer, newer - 1, "for no reason")
        with pytest.raises(ValueError, match="registered twice"):
            impossible(operator, newer, newer - 1, "for no reason")
        with pytest.raises(ValueError, match="registered twice"):
            refuses(operator, newer, newer - 1, "for no reason")
    assert before == (ADAPTERS, UNCHANGED, IMPOSSIBLE)


def test_an_entry_is_of_one_step() -> None:
    with pytest.raises(ValueError, match="Softmax 14 to 12 is not one step"):
        adapts("Softmax", 14, 12)
