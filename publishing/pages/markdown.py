"""Foreign text in Markdown: whatever a record says, it stays text, in its own place.

The Markdown is that of GitHub and of the Hugging Face Hub: CommonMark with tables
(https://github.github.com/gfm/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from publishing.foreign_text import in_one_line

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")
"""Underscores within a word mean themselves, and most names have some. ``$`` begins a formula on GitHub."""
_LINE_START = re.compile(r"^([0-9]{0,9})([-+#=]|[.)](?= |$))")
"""What begins a list, a heading or a rule, where a line begins with it."""
_PLAIN = re.compile(r"[\w.,:;/@+=()-]+")


def text(value: object) -> str:
    """Write a value as text in one line, which may begin one; no character of it has a meaning."""
    return _LINE_START.sub(lambda match: f"{match[1]}\\{match[2]}", inline(value))


def inline(value: object) -> str:
    """Write a value as text behind other text, or in a cell of a table; no character of it has a meaning."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], in_one_line(str(value)))


def code(value: object) -> str:
    """Write a name as code where it has none of the characters that end code, and as text otherwise."""
    plain = str(value)
    return f"`{plain}`" if _PLAIN.fullmatch(plain) else text(plain)


def link(words: object, path: str, anchor: str = "") -> str:
    """Write a link to a file, by its path from the file that the link is in."""
    return f"[{text(words)}]({quote(path, safe='/+')}{'#' + anchor if anchor else ''})"


def fenced(source: str, language: str) -> str:
    """Write source code as a block, which no line of the source can end."""
    longest = max((len(run) for run in re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{source.rstrip()}\n{fence}"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]], right: Iterable[int] = ()) -> str:
    """Write a table of Markdown cells; the columns numbered in ``right`` are of figures."""
    titles, figures = list(heads), set(right)
    rule = ["---:" if index in figures else "---" for index in range(len(titles))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rule, *rows))
