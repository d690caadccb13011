"""Tables of text: for a terminal, for a pipe, and in Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.terminal.wording import one_line
from publishing.pages.markdown import inline

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = re.compile(r"(\[\d+\] ?)+")
"""Marks of notes. They are no links: no line of ours or of others defines where they would lead to."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, of up to two lines, and whether it holds numbers."""

    heading: str
    numbers: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of cells, one for each column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def print_table(table: Table, console: Console) -> None:
    """The table without lines; a cell that is too long goes on in the next line."""
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        shown.add_column(
            column.heading, overflow="fold", justify="right" if column.numbers else "left", vertical="top"
        )
    for row in table.rows:
        shown.add_row(*(Text(one_line(cell)) for cell in row))
    console.print(shown)


def markdown(table: Table) -> str:
    """The table in Markdown."""
    heads = [column.heading.replace("-\n", "-").replace("\n", " ").strip() for column in table.columns]
    marks = ["---:" if column.numbers else "---" for column in table.columns]
    rows = [[cell if _MARKS.fullmatch(cell) else inline(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, marks, *rows))
