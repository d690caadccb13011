"""What a person sees of a run: a line for each stage, and how each unit ended, with every reason once."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from pipeline.results import Result
from pipeline.terminal.progress import LiveProgress, PlainProgress, print_results, progress_on


def test_a_log_gets_a_line_for_each_stage_when_it_ends() -> None:
    stream = io.StringIO()
    with progress_on(Console(file=stream)) as progress:
        assert type(progress) is PlainProgress
        progress.begin("timm/vgg16", "export")
        assert stream.getvalue() == ""
        progress.end("timm/vgg16", "export", 11.2, False)
        progress.end("timm/vgg16", "opset [7]: retarget", 0.1, True)
        progress.finish("timm/vgg16")
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in stream.getvalue().splitlines()]
    assert lines == ["timm/vgg16: export: 11 s", "timm/vgg16: opset [7]: retarget: done before"]


def test_a_terminal_shows_what_is_under_way() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)
    with progress_on(console) as progress:
        assert isinstance(progress, LiveProgress)
        progress.begin("timm/vgg16", "export")
        progress.begin("timm/vgg11", "inputs")
        progress.finish("timm/vgg11")
        console.print(progress._table())
    assert "timm/vgg16" in stream.getvalue()
    assert "timm/vgg11" not in stream.getvalue()


def test_a_terminal_shows_what_began_last_of_what_is_under_way() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)

    def shown() -> str:
        with console.capture() as capture:
            console.print(progress._table())
        return capture.get()

    progress = LiveProgress(console)
    progress.begin("timm/vgg16", "opset 7: publish")
    progress.begin("timm/vgg16", "opset 9: parity")
    assert "parity" in shown()
    progress.fail("timm/vgg16", "opset 9: parity")
    assert "opset 7: publish" in shown()
    progress.end("timm/vgg16", "opset 7: publish", 1.0, False)
    assert "timm/vgg16" not in shown()


def test_results_are_a_table_and_every_reason_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_results(
        [
            Result(
                "timm/vgg16@7", "published", 3.2e-6, {"onnxruntime": "ok"}, 9.0, "published, but one differs"
            ),
            Result("timm/vgg16@9", "done before"),
            Result("timm/vgg11@7", "failed", reason="no room", peak_memory=1_500_000_000),
            Result("timm/vgg11@9", "failed", reason="no room"),
        ]
    )
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if line.startswith("timm/") and ":" not in line]
    assert rows == [
        ["timm/vgg16@7", "published", "3.2e-06", "onnxruntime", "ok", "9.0", "s"],
        ["timm/vgg16@9", "done", "before"],
        ["timm/vgg11@7", "failed", "1.5", "GB"],
        ["timm/vgg11@9", "failed"],
    ]
    assert "\ntimm/vgg16@7: published, but one differs\n" in text
    assert text.count("no room") == 1
    assert "\ntimm/vgg11@7 and 1 more: no room\n" in text
