"""A sweep of the source without a framework, whose models fail in every way that there is."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.fake_source import FakeSource, fake_source

OPSETS = (7, 12)
OPTIONS = ("--opsets", "7,12", "--seconds", "20", "--memory-gib", "0.5", "--jobs", "2")


def _rows(file: Path) -> dict[tuple[str, int], dict[str, Any]]:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == len({(row["model"], row["opset"]) for row in rows})
    return {(row["model"], row["opset"]): row for row in rows}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSource]:
    """The source after a sweep of all of its models."""
    with pytest.MonkeyPatch.context() as patch, fake_source(tmp_path_factory.mktemp("swept"), patch) as tiny:
        answer = tiny.command("sweep", "tiny", *OPTIONS)
        assert answer.returncode == 0, answer.stderr
        (tiny.folder / "said.txt").write_text(answer.stderr)
        yield tiny


@pytest.mark.slow
def test_every_end_is_a_row_and_none_ends_the_sweep(swept: FakeSource) -> None:
    rows = _rows(swept.folder / "tiny.jsonl")
    assert {key: (row["stage"], row["cause"]) for key, row in rows.items()} == {
        (f"tiny/{name}", opset): end
        for opset in OPSETS
        for name, end in {
            "net": ("published", ""),
            "other": ("published", ""),
            "third": ("published", ""),
            "dead": ("export", "nobody can tell"),
            "wrong": ("parity", "another result"),
            "slow": ("export", "time limit"),
            "hungry": ("export", "memory limit"),
            "raising": ("export", "export"),
        }.items()
    }
    said = (swept.folder / "said.txt").read_text()
    assert "opset 7: 3 of 8 right, 37.5%\nopset 12: 3 of 8 right, 37.5%\n" in said
    assert "2 at export: time limit\n" in said


@pytest.mark.slow
def test_a_row_says_what_each_stage_took_and_what_each_runtime_made_of_it(swept: FakeSource) -> None:
    rows = _rows(swept.folder / "tiny.jsonl")
    right, wrong, hungry = (rows[f"tiny/{name}", 12] for name in ("net", "wrong", "hungry"))
    assert right["runtimes"] == {"onnxruntime": "ok", "openvino": "ok"}
    assert 0 < right["error"] < 1e-4
    assert set(right["seconds"]) >= {"export", "retarget", "parity", "publish"}
    for stage in ("export", "parity"):
        assert right["seconds"][stage] > 0
        assert right["peak_memory"][stage] > 10 << 20
    assert {"pipeline", "onnx", "onnxruntime", "openvino", "tiny"} == set(right["versions"])
    assert (right["family"], right["parameters"], right["reason"]) == ("net", 40, "")
    assert wrong["runtimes"] == {"onnxruntime": "wrong", "openvino": "wrong"}
    assert wrong["error"] > 1e-4
    assert wrong["reason"].startswith("onnxruntime disagrees with the reference on noise-1: ")
    assert [row["reason"] for row in rows.values() if str(swept.folder) in row["reason"]] == []
    assert hungry["runtimes"] == {}
    assert hungry["peak_memory"]["export"] > 0.5 * (1 << 30)
    assert "publish" not in hungry["seconds"]


@pytest.mark.slow
def test_nothing_is_kept_but_the_rows_and_what_runs_one_of_them_alone(swept: FakeSource) -> None:
    work = swept.folder / "tiny.jsonl.work"
    assert {path.name for path in work.rglob("*") if path.is_file()} == {"pipeline.yaml", "sweep.lock"}
    again = swept.command("run", str(work / "pipeline.yaml"), "--only", "tiny/net@12", "--publish", "one")
    assert again.returncode == 0, again.stderr
    assert [path.name for path in (swept.folder / "one").rglob("*.onnx")] == ["net-12.onnx"]


@pytest.mark.slow
def test_what_the_ledger_has_is_not_run_again(swept: FakeSource) -> None:
    ledger = swept.folder / "tiny.jsonl"
    before = ledger.read_bytes()
    again = swept.command("sweep", "tiny", *OPTIONS)
    assert (again.returncode, ledger.read_bytes()) == (0, before)
    assert "8 models of tiny, 8 of them in tiny.jsonl already" in again.stderr


@pytest.mark.slow
def test_shares_are_the_whole_once_and_a_failure_can_be_tried_again(tiny: FakeSource) -> None:
    names, options = ("net", "other", "raising"), ("--opsets", "12")
    for share in ("1/2", "2/2"):
        ledger = f"part-{share[0]}.jsonl"
        answer = tiny.command("sweep", "tiny", *names, *options, "--shard", share, "--ledger", ledger)
        assert answer.returncode == 0, answer.stderr
    parts = [tiny.folder / f"part-{number}.jsonl" for number in (1, 2)]
    assert {len(_rows(part)) for part in parts} == {1, 2}
    whole = tiny.folder / "whole.jsonl"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert {model for model, _ in _rows(whole)} == {f"tiny/{name}" for name in names}
    answer = tiny.command("sweep", "tiny", *names, *options, "--ledger", "whole.jsonl")
    assert "3 models of tiny, 3 of them in whole.jsonl already" in answer.stderr
    answer = tiny.command("sweep", "tiny", *names, *options, "--ledger", "whole.jsonl", "--again")
    assert "3 models of tiny, 2 of them in whole.jsonl already" in answer.stderr
    assert len(whole.read_text().splitlines()) == 4


@pytest.mark.slow
def test_a_ledger_that_was_cut_is_taken_up(tiny: FakeSource) -> None:
    options = ("--opsets", "12", "--ledger", "cut.jsonl")
    tiny.command("sweep", "tiny", "net", "other", *options)
    ledger = tiny.folder / "cut.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-20])
    answer = tiny.command("sweep", "tiny", "net", "other", *options)
    assert "2 models of tiny, 1 of them in cut.jsonl already" in answer.stderr
    assert "opset 12: 2 of 2 right" in answer.stderr


@pytest.mark.slow
def test_what_passes_can_be_published(tiny: FakeSource) -> None:
    options = ("--opsets", "12", "--publish", "dist")
    answer = tiny.command("sweep", "tiny", "net", "raising", *options)
    assert answer.returncode == 0, answer.stderr
    assert tiny.published == ["net-12.onnx"]
    assert tiny.command("verify", "dist", "--digests-only").returncode == 0
    shutil.rmtree(tiny.folder / "tiny.jsonl.work")
    (tiny.folder / "tiny.jsonl").unlink()
    answer = tiny.command("sweep", "tiny", "net", *options)
    assert "opset 12: 1 of 1 right" in answer.stderr


@pytest.mark.slow
def test_an_interrupted_sweep_notes_what_is_done_and_goes_on(tiny: FakeSource) -> None:
    options = ("--opsets", "12", "--ledger", "i.jsonl")
    process = tiny.start("sweep", "tiny", "net", "slow", *options)
    deadline = time.monotonic() + 120
    ledger = tiny.folder / "i.jsonl"
    while not ledger.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, output + errors
    assert list(_rows(ledger)) == [("tiny/net", 12)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("tinny",), "unknown source 'tinny'. Did you mean 'tiny'?"),
        (("tiny", "none"), "tiny has no model 'none'"),
        (("tiny", "zzz*"), "no model of tiny fits 'zzz*'"),
        (("onnx",), "onnx lists no models"),
        (("tiny", "--opsets", "2"), "--opsets: opsets go from 3 to 21, and '2' does not fit"),
        (("tiny", "--max-params", "50X"), "--max-params: '50X' is no number of parameters. Give one"),
        (("tiny", "--max-params", "10"), "--max-params: all 8 models that fit are larger"),
        (("tiny", "--shard", "3/2"), "--shard: '3/2' is no share. Give one such as 2/4"),
        (("tiny", "--ledger", "notes.txt"), "notes.txt:1 is no line of a ledger"),
    ],
)
def test_a_wrong_command_is_one_error(tiny: FakeSource, arguments: tuple[str, ...], expected: str) -> None:
    (tiny.folder / "notes.txt").write_text("buy milk\n")
    answer = tiny.command("sweep", *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert expected in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert [path.name for path in tiny.folder.iterdir()] == ["notes.txt"]
