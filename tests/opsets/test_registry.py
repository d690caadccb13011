"""One entry per boundary."""

from __future__ import annotations

import pytest

from opsets.registry import ADAPTERS, IMPOSSIBLE, UNCHANGED, adapts, impossible, refuses, unchanged


def test_a_second_entry_is_refused_whatever_its_kind() -> None:
    before = (dict(ADAPTERS), dict(UNCHANGED), dict(IMPOSSIBLE))
    for step in (
        ("Softmax", 13, 12),
        ("Softmax", 12, 13),
        ("Add", 13, 12),
        ("Add", 12, 13),
        ("Optional", 15, 14),
    ):
        with pytest.raises(ValueError, match=f"{step[0]} {step[1]} to {step[2]} is registered twice"):
            adapts(*step)
        for claims in (unchanged, impossible, refuses):
            with pytest.raises(ValueError, match="registered twice"):
                claims(*step, "for no reason")
    assert before == (ADAPTERS, UNCHANGED, IMPOSSIBLE)


def test_an_entry_is_of_one_step() -> None:
    with pytest.raises(ValueError, match="Softmax 14 to 12 is not one step"):
        adapts("Softmax", 14, 12)
    with pytest.raises(ValueError, match="Softmax 12 to 12 is not one step"):
        adapts("Softmax", 12, 12)


def test_a_form_that_stays_is_claimed_down_and_up() -> None:
    assert UNCHANGED["Add", 13, 12] == UNCHANGED["Add", 12, 13]
