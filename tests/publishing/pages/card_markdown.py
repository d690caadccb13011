"""A card as a program reads it that shows Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def inner(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from inner(token.children or [])


def plain(tokens: Sequence[Token]) -> str:
    """The words that a reader sees."""
    seen = [token.content for token in inner(tokens) if token.type in ("text", "code_inline", "fence")]
    return "".join(seen)


def tables(text: str) -> list[list[list[str]]]:
    """Every table of a card: rows of cells as a reader sees them, the heads first."""
    rows_of_tables: list[list[list[str]]] = []
    for token in parsed(text):
        if token.type == "table_open":
            rows_of_tables.append([])
        elif token.type == "tr_open":
            rows_of_tables[-1].append([])
        elif token.type == "inline" and rows_of_tables and token.level >= 4:
            rows_of_tables[-1][-1].append(plain([token]))
    return rows_of_tables


def downloads(text: str) -> list[list[str]]:
    return next(rows for rows in tables(text) if rows[0][:2] == ["Model", "Download"])


def links(text: str) -> list[str]:
    attributes = {"link_open": "href", "image": "src"}
    tokens = [token for token in inner(parsed(text)) if token.type in attributes]
    return [str(token.attrs[attributes[token.type]]) for token in tokens]


def fences(text: str, language: str) -> list[str]:
    return [token.content for token in parsed(text) if token.type == "fence" and token.info == language]


def headings(text: str) -> list[str]:
    tokens = parsed(text)
    return [plain([tokens[index + 1]]) for index, token in enumerate(tokens) if token.type == "heading_open"]


def section(text: str, heading: str) -> str:
    match = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert match, f"no section {heading}"
    return match[2].strip()
