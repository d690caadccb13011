"""``plan --explain``: why each unit is or is not to be done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow


@pytest.fixture
def published(tiny: FakeSource) -> FakeSource:
    """A zoo with one unit."""
    tiny.write("net", more="author: Ann\nparity: {relative: 0.0001}")
    assert tiny.command("run", "pipeline.yaml").returncode == 0
    return tiny


def _why(tiny: FakeSource) -> list[str]:
    """What is said of each unit."""
    answer = tiny.command("plan", "pipeline.yaml", "--explain")
    assert answer.returncode == 0, answer.stderr
    return [line.partition("  ")[2] for line in answer.stdout.splitlines() if line.startswith("tiny/net@")]


def test_what_is_not_there_and_what_is_done(published: FakeSource) -> None:
    published.write("net", opsets="9, 12", more="author: Ann\nparity: {relative: 0.0001}")
    answer = published.command("plan", "pipeline.yaml", "--explain")
    lines = [line.split(maxsplit=1) for line in answer.stdout.splitlines()[:2]]
    assert lines == [
        ["tiny/net@9", "to do: it is not published, or a file of it is missing or cut"],
        ["tiny/net@12", "done: it is published, and whole"],
    ]


def test_what_has_changed_is_named_with_its_values_where_they_are_short(published: FakeSource) -> None:
    published.write("net", more="author: Bob\nparity: {relative: 0.001}\nbatch: 4")
    [why] = _why(published)
    assert why == (
        "to do: changed since it was published: batch (it was 3, and is 4), author (it was Ann, and is Bob), "
        "tolerance"
    )


def test_a_file_that_is_damaged_is_named(published: FakeSource) -> None:
    file = published.folder / "dist/tiny/net/model/net-12.tar.gz"
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    assert _why(published) == ["to do: tiny/net/model/net-12.tar.gz is not as it was published"]


def test_a_record_that_does_not_tell_what_it_was_made_of(published: FakeSource) -> None:
    record = published.folder / "dist/tiny/net/model/net-12.record.json"
    values = json.loads(record.read_text()) | {"made_of": {}, "key": "0" * 64}
    record.write_text(json.dumps(values))
    assert _why(published) == ["to do: changed since it was published: what the record does not tell"]


def test_the_json_of_a_plan_tells_it_anyway(published: FakeSource) -> None:
    Path(published.folder / "dist/tiny/net/model/net-12.onnx").unlink()
    plan = json.loads(published.command("plan", "pipeline.yaml", "--format", "json").stdout)
    [unit] = plan["units"]
    assert (unit["done"], unit["missing"]) == (
        False,
        "it is not published, or a file of it is missing or cut",
    )


@pytest.mark.parametrize(
    ("form", "why"), [("json", "json tells it anyway"), ("github", "has no room for it")]
)
def test_other_forms_are_refused(tiny: FakeSource, form: str, why: str) -> None:
    tiny.write("net")
    answer = tiny.command("plan", "pipeline.yaml", "--explain", "--format", form)
    assert answer.returncode == 2
    assert why in answer.stderr
