"""What others wrote is seen as it is, and does nothing."""

from __future__ import annotations

import ast
import sys

import pytest

from publishing.errors import PublishError
from publishing.foreign_text import in_one_line, visible, visible_lines

EVERY = "".join(map(chr, range(sys.maxunicode + 1)))


def test_no_character_that_is_not_seen_is_left() -> None:
    assert visible(EVERY).isprintable()
    assert in_one_line(EVERY).isprintable()
    assert visible_lines(EVERY).replace("\n", "").isprintable()
    visible(EVERY).encode()  # as it must be to be printed, halves of surrogate pairs and all


@pytest.mark.parametrize("text", ["", "VGG16_bn ×2 \u00e4 \u5b57 \U0001f40e", r"C:\x1b \n"])
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == visible_lines(text) == in_one_line(text) == text


def test_a_character_is_written_as_python_writes_it() -> None:
    text = "a\x1b[31m\r\n\t\x00\x7f\x9b\u2028\u202e\udc80\ufeff\U000e0041"
    assert ast.literal_eval(f'"{visible(text)}"') == text
    assert visible(text).startswith(r"a\x1b[31m\r\n\t")
    assert visible(visible(text)) == visible(text)


def test_prose_keeps_its_words_apart() -> None:
    assert in_one_line(" a\n\n\tb\u00a0c\x1bd\r\n") == r"a b c\x1bd"
    assert visible_lines("a\r\nb\x1b\n") == "a\\r\nb\\x1b\n"


def test_an_error_is_one_line_and_holds_no_secret() -> None:
    assert str(PublishError("a\nb \x1b https://me:word@host/zoo?sig=word")) == r"a\nb \x1b https://host/zoo"
