"""Classes, channels and arguments of an entry reach the framework in every task, the keys and the record."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.planning.jobs import Plan
from pipeline.stages.benchmark import _options_of
from pipeline.stages.model import run_model
from publishing.record import from_json
from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow

MORE = "classes: 7\nchannels: 1\narguments: {depth: 2}"


def test_a_network_of_other_classes_and_channels_is_published_timed_and_evaluated(tiny: FakeSource) -> None:
    [result] = run_model(tiny.run(tiny.plan("net", more=MORE)))
    assert result.status == "published", result.reason
    record: dict[str, Any] = tiny.record()
    assert record["provenance"]["head"] == {"classes": 7, "from": "the pipeline file"}
    assert record["provenance"]["arguments"] == {"depth": 2}
    assert record["preprocessing"]["input_size"] == [1, 8, 8]
    assert (record["preprocessing"]["mean"], record["preprocessing"]["std"]) == ([0.5], [0.5])
    assert record["io_ports"]["outputs"][0]["shape"][-1] == 7

    for place in (["pipeline.yaml"], ["tiny/net@12", "--zoo", "dist"]):
        timed = tiny.command("benchmark", *place, "--rounds", "1", "--batch", "1")
        assert timed.returncode == 0, timed.stderr
        assert "Tiny" in timed.stdout


def test_the_output_that_a_record_names_is_asked_for_where_it_is_timed(tiny: FakeSource) -> None:
    [result] = run_model(tiny.run(tiny.plan("net")))
    assert result.status == "published", result.reason
    record = from_json(json.dumps(tiny.record()))
    assert "output" not in record.provenance
    assert _options_of(record).output is None
    taken = {"index": 2, "name": "aux", "of": 3}
    assert _options_of(replace(record, provenance={**record.provenance, "output": taken})).output == 2


def test_the_head_of_a_file_is_told_while_it_runs_and_in_the_record(
    tiny: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(3, 4)).astype(np.float32)
    np.savez(tiny.folder / "net.npz", weight=weight, bias=np.zeros(4, np.float32))
    [result] = run_model(tiny.run(tiny.plan("net", more="weights: {file: net.npz}")))
    assert result.status == "published", result.reason
    record: dict[str, Any] = tiny.record()
    assert record["provenance"]["head"] == {"classes": 4, "from": "the weights file"}
    assert "4 classes, as the weights file has them" in capsys.readouterr().err


@pytest.mark.parametrize("more", ["classes: 7", "channels: 1", "arguments: {depth: 2}", "output: 0"])
def test_what_is_asked_for_is_in_the_key(tiny: FakeSource, more: str) -> None:
    def key(plan: Plan) -> str:
        return plan.units[0].key

    plain = key(tiny.plan("net"))
    assert key(tiny.plan("net", more=more)) != plain
    assert key(tiny.plan("net")) == plain
