"""Tables and a page of ledgers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.commands.coverage import write_coverage
from pipeline.errors import UsageError
from pipeline.sweeps.ledger import append, read
from publishing.coverage import COLUMNS, Row, read_table, table
from publishing.errors import PublishError

RIGHT = Row(
    model="timm/resnet18",
    opset=12,
    stage="published",
    cause="",
    reason="",
    family="resnet",
    parameters=11_689_512,
    error=1.5e-6,
    runtimes={"onnxruntime": "ok", "opencv": "timed out"},
    seconds={"export": 5.25, "parity": 2.0},
    peak_memory={"export": 900_000_000},
    versions={"timm": "1.0.31", "onnxruntime": "1.32.0"},
)
WRONG = replace(
    RIGHT,
    model='paddle/Dark, "53"',
    opset=3,
    stage="parity",
    cause="another result",
    reason="onnxruntime: <b>0.4</b>; of\tnoise",
    family="darknet",
    parameters=None,
    error=None,
    runtimes={"onnxruntime": "wrong"},
    seconds={},
)
ROWS = [RIGHT, replace(RIGHT, opset=3), WRONG, replace(WRONG, opset=12, stage="build", cause="model")]


def test_a_table_holds_all_of_a_row_in_one_order() -> None:
    text = table(ROWS)
    assert text == table(reversed(ROWS))
    assert read_table(text, "it") == [WRONG, ROWS[3], ROWS[1], RIGHT]
    assert text.splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "it:0 is no table of a sweep"),
        ("a,b\n1,2\n", "it:2 is no table of a sweep: its columns are not model, opset"),
        (table([RIGHT]).replace(",12,", ",twelve,"), "it:2 is no table of a sweep: invalid literal"),
        (table([RIGHT]) + "timm/x,12\n", "it:3 is no table of a sweep"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(text: str, expected: str) -> None:
    with pytest.raises(PublishError) as caught:
        read_table(text, "it")
    assert str(caught.value).startswith(expected)


def test_the_last_of_two_rows_counts_and_a_cut_line_does_not(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    append(first, [WRONG, RIGHT])
    append(second, [replace(WRONG, cause="time limit")])
    first.write_bytes(first.read_bytes()[:-30])
    assert read([first, second]) == {(WRONG.model, 3): replace(WRONG, cause="time limit")}
    append(first, [RIGHT])
    assert list(read([first]).values()) == [WRONG, RIGHT]


def test_tables_and_a_page_of_all_of_them(tmp_path: Path) -> None:
    ledger, folder = tmp_path / "both.jsonl", tmp_path / "coverage"
    append(ledger, ROWS)
    written = write_coverage([ledger], folder)
    assert [path.name for path in written] == ["paddle.csv", "timm.csv", "index.html"]
    page = (folder / "index.html").read_text()
    assert page.count("100.0%") >= 2
    assert "&lt;b&gt;0.4&lt;/b&gt;" in page
    assert "<b>0.4" not in page
    assert "parity: another result" in page
    assert "build: model" in page
    for name in ("catalogue.css", "icon.svg"):
        assert (folder / "assets" / name).is_file()
    append(ledger, [replace(RIGHT, opset=12, stage="export", cause="crash", reason="SIGSEGV")])
    ledger.write_text("".join(f"{line}\n" for line in ledger.read_text().splitlines() if "timm" in line))
    write_coverage([ledger], folder, "../style/")
    assert read_table((folder / "paddle.csv").read_text(), "paddle.csv") == [WRONG, ROWS[3]]
    page = (folder / "index.html").read_text()
    assert "export: crash" in page
    assert "parity: another result" in page
    assert "../style/catalogue.css" in page


def test_files_have_stages_of_their_own_and_every_reason_is_told(tmp_path: Path) -> None:
    right = replace(RIGHT, model="onnx/ocr/det", stage="verified", seconds={}, versions={})
    refused = replace(right, opset=9, stage="retarget", cause="impossible", reason="Loop, opset 12 to 11")
    deeper = replace(refused, opset=7, reason="Loop, opset 12 to 11; If, opset 9 to 8")
    files = [right, refused, deeper, replace(deeper, opset=3)]
    assert [row.good for row in files] == [True, False, False, False]
    append(tmp_path / "onnx.jsonl", files)
    write_coverage([tmp_path / "onnx.jsonl"], tmp_path / "files")
    page = (tmp_path / "files" / "index.html").read_text()
    assert "1 ONNX file of others, with their weights, at opsets 3, 7, 9, 12." in page
    assert "with random weights" not in page
    assert page.count('<td class="share none">retarget: impossible</td>') == 3
    assert page.count('<td class="share all">right</td>') == 1
    for stage in ("read", "verified"):
        assert f'<th scope="col">{stage}</th>' in page
    assert "environment" not in page
    assert "<small>opset 9</small></dt><dd>Loop, opset 12 to 11</dd>" in page
    assert "<small>opset 3, 7</small></dt><dd>Loop, opset 12 to 11; If, opset 9 to 8</dd>" in page
    append(tmp_path / "both.jsonl", [*files, *ROWS])
    write_coverage([tmp_path / "both.jsonl"], tmp_path / "both")
    page = (tmp_path / "both" / "index.html").read_text()
    assert "2 models of paddle, timm, with random weights" in page
    assert "1 ONNX file of others" in page
    assert '<th scope="col">environment</th>' in page


def test_nothing_is_written_where_a_file_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "coverage"
    with pytest.raises(UsageError, match=r"has no tables, and no ledger was named"):
        write_coverage([], folder)
    for line in (json.dumps({"model": "x"}), "null", "{}"):
        (tmp_path / "notes").write_text(f"{line}\n")
        with pytest.raises(UsageError, match=r"notes:1 is no line of a ledger"):
            write_coverage([tmp_path / "notes"], folder)
    with pytest.raises(UsageError, match=r"none cannot be read"):
        write_coverage([tmp_path / "none"], folder)
    assert not folder.exists()


NOTE = """\
['paddle/Dark, "53"']
because = "Softmax <of> another axis"
issue = "https://example.org/issues/1"
"""


def test_what_is_known_of_a_failure_stands_beside_its_reason(tmp_path: Path) -> None:
    append(tmp_path / "both.jsonl", ROWS)
    (tmp_path / "notes.toml").write_text(NOTE)
    write_coverage([tmp_path / "both.jsonl"], tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert 'Softmax &lt;of&gt; another axis (<a href="https://example.org/issues/1">public issue</a>)' in page
    (tmp_path / "notes.toml").write_text(NOTE.replace('issue = "https://example.org/issues/1"', ""))
    write_coverage([], tmp_path)
    assert "public issue" not in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[timm", "is no TOML"),
        (NOTE.replace("because", "why"), "may have 'because' and 'issue', and nothing else"),
        (NOTE.replace("because", "#"), "needs a text 'because'"),
        (NOTE.replace("https", "file"), "is no https:// address"),
        (NOTE.replace("paddle/Dark, ", "timm/resnet18"), "which fails in no table: take it out"),
        ('["timm/resnet18"]\nbecause = "it is right"', "on timm/resnet18, which fails in no table"),
    ],
)
def test_notes_that_are_none_leave_everything_as_it_was(text: str, expected: str, tmp_path: Path) -> None:
    append(tmp_path / "both.jsonl", ROWS)
    (tmp_path / "notes.toml").write_text(text)
    with pytest.raises(UsageError, match=r"notes\.toml.*" + expected):
        write_coverage([tmp_path / "both.jsonl"], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.jsonl", "notes.toml"]
