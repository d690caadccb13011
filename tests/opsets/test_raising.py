"""The adapters of the way up, each before and after its step; claims are run in families/test_types.py."""

from __future__ import annotations

import pytest

from opsets.registry import ADAPTERS, Step
from tests.opsets.comparing import assert_step_up
from tests.opsets.raised_steps import STEPS

ELSEWHERE: set[Step] = set()


def test_every_adapter_of_the_way_up_has_a_case() -> None:
    up = {step for step in ADAPTERS if step[2] > step[1] and step[0] != "Constant"}
    assert set(STEPS) | ELSEWHERE == up
    assert not set(STEPS) & ELSEWHERE


@pytest.mark.parametrize("step", STEPS, ids=lambda step: "-".join(map(str, step)))
def test_a_step_up_gives_the_same_numbers(step: Step) -> None:
    for before, after in STEPS[step]:
        assert_step_up(step[1], before, after)
