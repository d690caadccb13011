"""``run --shard`` and ``plan --shard``: several machines that publish into one zoo."""

from __future__ import annotations

import json

import pytest

from tests.pipeline.fake_source import FakeSource
from tests.publishing.zoos import bytes_of

MODELS = ("net", "other", "third")


@pytest.mark.slow
def test_shares_that_run_at_once_give_the_zoo_of_one_run_to_the_byte(tiny: FakeSource) -> None:
    tiny.write(*MODELS, opsets="7, 12")
    whole = tiny.command("run", "pipeline.yaml", "--publish", "whole")
    assert whole.returncode == 0, whole.stderr
    shares = [
        tiny.start("run", "pipeline.yaml", "--publish", "shared", "--shard", f"{number}/2")
        for number in (1, 2)
    ]
    said = [share.communicate() for share in shares]
    assert [share.returncode for share in shares] == [0, 0], said
    assert all(f"tiny/{model}@12" in "".join(output for output, _ in said) for model in MODELS)
    assert bytes_of(tiny.folder / "shared") == bytes_of(tiny.folder / "whole")
    nothing_left = tiny.command("run", "pipeline.yaml", "--publish", "shared")
    assert "all 6 units are published" in nothing_left.stderr


def test_a_plan_of_a_share_has_whole_models_and_all_shares_have_each_once(tiny: FakeSource) -> None:
    tiny.write(*MODELS, opsets="7, 12")
    names = []
    for number in (1, 2):
        answer = tiny.command("plan", "pipeline.yaml", "--shard", f"{number}/2", "--format", "json")
        units = [unit["name"] for unit in json.loads(answer.stdout)["units"]]
        assert {name.partition("@")[2] for name in units} == {"7", "12"}
        names += units
    assert sorted(names) == sorted(f"tiny/{model}@{opset}" for model in MODELS for opset in (7, 12))


def test_a_share_without_a_model_does_nothing_and_says_so(tiny: FakeSource) -> None:
    tiny.write(*MODELS)
    answer = tiny.command("run", "pipeline.yaml", "--shard", "4/4")
    assert answer.returncode == 0
    assert "none of the 3 models is in share 4/4: nothing is to be done here" in answer.stderr
    assert not (tiny.folder / "dist").exists()
    plan = tiny.command("plan", "pipeline.yaml", "--shard", "4/4")
    assert (plan.returncode, plan.stdout) == (0, "0 units, 0 done, 0 to do\n")


def test_what_is_no_share_is_refused_before_anything_is_done(tiny: FakeSource) -> None:
    tiny.write(*MODELS)
    for command in ("run", "plan"):
        answer = tiny.command(command, "pipeline.yaml", "--shard", "3/2")
        assert answer.returncode == 2
        assert (
            answer.stderr == "error: --shard: '3/2' is no share. Give one such as 2/4, the second of four.\n"
        )
