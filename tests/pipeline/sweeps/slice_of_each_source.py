"""A slice of each source's sweep: what docs/coverage calls right is right still, or fails here by its name.

``.ci/run`` runs it beside the tests: ``pytest --dist=load tests/pipeline/sweeps/slice_of_each_source.py``.

A model of each of some families, drawn with a seed: they are exported, retargeted, judged and published as
in the sweep. What this alone finds is a change that costs models which no other test names.
"""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pytest

from pipeline.sweeps.ledger import read
from publishing.coverage import read_table
from tests.commands import ROOT, run_command

FAMILIES = {"timm": 7, "torchvision": 2, "mmcls": 3, "paddle": 5, "mxnet": 2}
"""How many families of each source are drawn: three minutes in all."""
OPSETS = (3, 12)
LARGEST = 8_000_000
SEED = 20261129


def drawn(source: str) -> list[str]:
    """The names of the models that are tried, right at :data:`OPSETS` in docs/coverage."""
    rows = read_table((ROOT / "docs" / "coverage" / f"{source}.csv").read_text(encoding="utf-8"), source)
    right = {(row.model, row.opset) for row in rows if row.good}
    families: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        small = row.parameters is not None and row.parameters <= LARGEST
        if small and all((row.model, opset) in right for opset in OPSETS):
            families[row.family].add(row.model)
    chance = random.Random(f"{SEED} {source}")  # noqa: S311 - it draws models, not secrets
    some = chance.sample(sorted(families), min(FAMILIES[source], len(families)))
    return [chance.choice(sorted(families[family])) for family in some]


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in FAMILIES]
)
def test_models_that_were_right_are_right(source: str, tmp_path: Path) -> None:
    models = drawn(source)
    ledger = tmp_path / "ledger.jsonl"
    answer = run_command(
        *("sweep", source, *(model.partition("/")[2] for model in models)),
        *("--opsets", ",".join(map(str, OPSETS)), "--ledger", str(ledger)),
        folder=tmp_path,
    )
    assert answer.returncode == 0, answer.stderr
    rows = read([ledger])
    assert set(rows) == {(model, opset) for model in models for opset in OPSETS}
    lost = [f"{row.model}@{row.opset}: {row.stage}: {row.reason}" for row in rows.values() if not row.good]
    assert not lost, "\n".join(["These were right in docs/coverage:", *lost])
