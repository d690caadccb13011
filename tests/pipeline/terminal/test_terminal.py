"""Whatever a file says, a terminal gets characters that are seen, and no line that a file has made."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.cli import app
from pipeline.errors import PipelineError, WorkerError, foreign_message, last_lines, quoted
from pipeline.results import Result
from pipeline.terminal.output import guard_streams
from pipeline.terminal.progress import LiveProgress, PlainProgress, print_results
from pipeline.terminal.text_tables import Column, Table, markdown, print_table
from pipeline.terminal.wording import for_terminal, one_line, say
from pipeline.workers.processes import Command, Limits, run_process
from tests.commands import run_command
from tests.publishing.pages.card_markdown import inner, parsed, plain

FORGED = "All is well."
HOSTILE = (
    f"a\x1b]0;x\x07\x1b[2J\r\n{FORGED}\n::error::b ##[error]c\x00\x9b1m\u2028\u202eo"
    " </td><img src=x onerror=y> | d | `e` [f](javascript:g) [bold]h[/bold] :warning:"
)


def assert_harmless(text: str) -> None:
    """Nothing commands a terminal or GitHub Actions, and no line is of the file's making."""
    assert text
    assert all(char.isprintable() or char == "\n" for char in text), ascii(text)
    lines = [line.strip() for line in text.splitlines()]
    assert FORGED not in lines, text
    assert not [line for line in lines if line.startswith("::") or "##[" in line], text


def test_line_feeds_are_all_that_stays() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert all(char.isprintable() or char == "\n" for char in for_terminal(everything))
    assert for_terminal("a\n  b ×\n") == "a\n  b ×\n"
    assert for_terminal(for_terminal(HOSTILE)) == for_terminal(HOSTILE)
    assert_harmless(one_line(HOSTILE))


def test_no_line_commands_github_actions() -> None:
    assert for_terminal("::error::x\n \t::add-mask::y\nC++ a::b") == (
        "\\u003a:error::x\n \\t::add-mask::y\nC++ a::b"
    )
    assert for_terminal("x ##[set-env]y ###[z") == "x \\u0023#[set-env]y #\\u0023#[z"
    content = {"name": "##[error]x", "::": ["::error::"]}
    assert json.loads(for_terminal(json.dumps(content, indent=1))) == content


def test_what_others_wrote_is_marked_line_by_line(tmp_path: Path) -> None:
    assert foreign_message("first\x1b\n\n\tsecond\r\nthird\n") == [
        "first\\x1b",
        "  |         second",
        "  | third",
    ]
    assert quoted("\n".join(quoted(HOSTILE))) == quoted(HOSTILE)
    (tmp_path / "log").write_text(HOSTILE, encoding="utf-8", newline="")
    for lines in (foreign_message(HOSTILE), quoted(HOSTILE), last_lines(tmp_path / "log")):
        assert_harmless(for_terminal("\n".join(lines)))


def test_the_log_of_a_process_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "says").write_text(
        f"{HOSTILE}\nhttps://me:word@host/?sig=word\n", encoding="utf-8", newline=""
    )
    with pytest.raises(WorkerError) as failure:
        run_process(
            Command(["/bin/sh", "-c", "cat says; exit 3"], {}, tmp_path),
            what="a worker",
            log=tmp_path / "log",
            limits=Limits(seconds=60),
            stop=threading.Event(),
        )
    assert_harmless(for_terminal(str(failure.value)))
    assert "https://host/" in str(failure.value)
    assert "word" not in str(failure.value) + (tmp_path / "log").read_text(encoding="utf-8")


def test_lines_of_progress(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    progress = PlainProgress(Console(file=stream, width=100))
    progress.end("timm/net", one_line(HOSTILE), 1.0, reused=True)
    progress.end(HOSTILE, "export", 1.0, reused=False)
    say(one_line(HOSTILE))
    assert_harmless(stream.getvalue())
    assert "[bold]h[/bold] :warning:" in stream.getvalue()
    assert_harmless(capsys.readouterr().err)


def test_a_live_display_has_only_commands_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.stdout, sys.stderr

    def shown(text: str) -> str:
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=200, color_system=None)
        with LiveProgress(console) as progress:
            progress.begin(text, "export")
            progress.end(text, "export", 1.0, reused=False)
            print(text, file=sys.stderr)
        return stream.getvalue()

    calm, hostile = shown("calm"), shown(HOSTILE)
    assert (sys.stdout, sys.stderr) == before
    assert hostile.count("\x1b]") == calm.count("\x1b]") == 0
    assert hostile.count("\x1b[2J") == calm.count("\x1b[2J") == 0
    assert not {"\x00", "\x07", "\x9b", "\u202e"} & set(hostile)


def test_verdicts_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    reason = str(PipelineError(f"it failed: {HOSTILE}", *foreign_message(HOSTILE)))
    print_results([Result(HOSTILE, "failed", 1.0, {HOSTILE: HOSTILE}, 1.0, reason), Result("b", "published")])
    printed = capsys.readouterr().out
    assert_harmless(printed)
    assert "[bold]h[/bold]" in printed


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table((Column("a", numbers=False), Column("b")), ((HOSTILE, "[1] [2]"), ("x", "+1.5%")))
    print_table(table, Console(width=500))
    assert_harmless(capsys.readouterr().out)
    written = markdown(table)
    assert_harmless(written)
    tokens = list(inner(parsed(written)))
    assert {token.type for token in tokens if not token.type.startswith(("t", "inline"))} == set()
    cells = [plain([token]) for token in parsed(written) if token.type == "inline"]
    seen = one_line(" ".join(HOSTILE.split())).replace("\\u0023", "#")
    assert cells[2:] == [seen, "[1] [2]", "x", "+1.5%"]


def test_whatever_is_printed_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    guard_streams()
    guard_streams()
    name = HOSTILE.replace("\n", "")
    print(name)
    logging.StreamHandler(sys.stderr).emit(logging.makeLogRecord({"msg": name}))
    for stream in (out, err):
        assert_harmless(stream.getvalue())
    assert sys.stdout.isatty() is False


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("kind", [PipelineError, RuntimeError])
def test_an_error_and_its_traceback(
    kind: type[Exception], debug: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise kind(f"{HOSTILE} https://me:word@host/") from ValueError(f"{HOSTILE} http://a:word@b/")

    monkeypatch.setattr(app, "app", fail)
    monkeypatch.setenv("PIPELINE_DEBUG", debug)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    with pytest.raises(SystemExit):
        app.main()
    printed = capsys.readouterr().err
    assert_harmless(printed)
    assert "word" not in printed
    assert ("  | Traceback" in printed) == bool(debug)


def _pipeline(folder: Path, *arguments: str, code: int) -> str:
    answer = run_command(*arguments, folder=folder)
    printed = answer.stdout + answer.stderr
    assert answer.returncode == code, printed
    return printed


NAME = HOSTILE.replace("\x00", "").replace("/", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", NAME),
        ("run", NAME),
        ("verify", NAME),
        ("retarget", NAME, "--opset", "7"),
        ("schema", NAME),
        (NAME,),
        ("plan", "pipeline.yaml"),
        ("plan", "pipeline.yaml", f"--{NAME}"),
    ],
    ids=lambda arguments: arguments[0][:6].encode("ascii", "replace").decode(),
)
def test_a_wrong_command_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    text = json.dumps({"publish": "dist", "opsets": [7], HOSTILE: 1, "models": [{"source": HOSTILE}]})
    (tmp_path / "pipeline.yaml").write_text(text, encoding="utf-8")
    assert_harmless(_pipeline(tmp_path, *arguments, code=2))
