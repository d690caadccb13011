"""Tables of text: for a terminal, and in Markdown."""

from __future__ import annotations

import io

from rich.console import Console

from pipeline.terminal.text_tables import Column, Table, markdown, print_table

TABLE = Table(
    (Column("model", numbers=False), Column("multiply-\nadds (G)"), Column("\ntheirs")),
    (("timm/vgg16", "15.5", "15"), ("a|b", "1", "")),
)


def _printed(table: Table, width: int) -> list[str]:
    stream = io.StringIO()
    print_table(table, Console(file=stream, width=width))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_numbers_are_aligned_at_the_right() -> None:
    assert _printed(TABLE, 80) == [
        "            multiply-",
        "model        adds (G)  theirs",
        "timm/vgg16       15.5      15",
        "a|b                 1",
    ]


def test_a_cell_that_is_too_long_goes_on_in_the_next_line() -> None:
    lines = _printed(Table((Column("model", numbers=False),), (("abcdefghij",),)), 6)
    assert lines == ["model", "abcdef", "ghij"]


def test_nothing_in_a_cell_is_taken_for_markup() -> None:
    assert _printed(Table((Column("note", numbers=False),), (("[red]1[/red]",),)), 80)[1] == "[red]1[/red]"


def test_markdown_has_one_line_for_each_row() -> None:
    assert markdown(TABLE).splitlines() == [
        "| model | multiply-adds (G) | theirs |",
        "| --- | ---: | ---: |",
        "| timm/vgg16 | 15.5 | 15 |",
        "| a\\|b | 1 |  |",
    ]
