"""Text that others wrote, made harmless before it is shown: names in files, labels, messages of frameworks.

Such text may move the cursor of a terminal, forge lines, or turn the direction in which the rest is read.
Here is what terminal, HTML and Markdown have in common; Markdown's own marks are
:mod:`publishing.pages.markdown`'s affair, and HTML's are jinja2's.
"""

from __future__ import annotations


def visible(text: str) -> str:
    r"""Return ``text`` in one line, with whatever is not seen written as Python writes it: ``\x1b``, ``\n``.

    That is every control and format character, bidirectional ones among them, every separator but the
    space, and what Unicode does not assign or cannot encode (``str.isprintable``). Nothing else changes, so
    a second time changes nothing.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def visible_lines(text: str) -> str:
    """Return ``text`` like :func:`visible`, with its line feeds: for lines that we joined ourselves."""
    return "\n".join(map(visible, text.split("\n")))


def in_one_line(text: str) -> str:
    """Return ``text`` with one space for each run of white space, otherwise :func:`visible`: for prose."""
    return visible(" ".join(text.split()))
