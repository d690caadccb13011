"""The README in Chinese says what the one in English says, as far as that shows in their form."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) .+$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)]+)\)")
CODE = re.compile(r"`([^`]+)`")
OTHER_LANGUAGE = {"README.md", "README.zh-CN.md"}


def sections(text: str) -> list[tuple[int, str]]:
    """The depth of each heading outside of code, and what stands below it."""
    prose = BLOCK.sub("", text)
    headings = list(HEADING.finditer(prose))
    ends = [heading.start() for heading in headings[1:]] + [len(prose)]
    return [
        (len(heading[1]), prose[heading.end() : end]) for heading, end in zip(headings, ends, strict=True)
    ]


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of tables."""
    return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]


def differences(english: str, chinese: str) -> list[str]:
    """Where the forms of two texts differ: headings, code, tables, links and words in code, by sections."""
    ours, theirs = sections(english), sections(chinese)
    if [depth for depth, _ in ours] != [depth for depth, _ in theirs]:
        return ["the headings"]
    found = ["the blocks of code"] if BLOCK.findall(english) != BLOCK.findall(chinese) else []
    for number, ((_, one), (_, other)) in enumerate(zip(ours, theirs, strict=True), start=1):
        if [len(row) for row in rows(one)] != [len(row) for row in rows(other)]:
            found.append(f"the tables of section {number}")
        for row, (first, second) in enumerate(zip(rows(one), rows(other), strict=False), start=1):
            if [CODE.findall(cell) for cell in first] != [CODE.findall(cell) for cell in second]:
                found.append(f"row {row} of the tables of section {number}")
        links = [set(LINK.findall(text)) - OTHER_LANGUAGE for text in (one, other)]
        found += [f"the links of section {number}: {links[0] ^ links[1]}"] if links[0] != links[1] else []
        words = [Counter(CODE.findall(" ".join(text.split()))) for text in (one, other)]
        if words[0] != words[1]:
            found.append(f"the code of section {number}: {words[0] - words[1]} {words[1] - words[0]}")
        if one.count("\n\n") != other.count("\n\n"):
            found.append(f"the paragraphs of section {number}")
    return found


def test_both_languages_have_the_same_headings_code_tables_and_links() -> None:
    assert differences(README, CHINESE) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## 发布\n", ""),
        ("pip install . &&", "pip install ."),
        ("| `caffe2` |", "| `caffe3` |"),
        ("`--batch 1`", "`--batch 2`"),
        ("(docs/opsets.md)", "(docs/opset.md)"),
        ("\n\n再次运行时", "\n再次运行时"),
    ],
)
def test_what_one_language_lacks_is_found(old: str, new: str) -> None:
    assert CHINESE.count(old) == 1
    assert differences(README, CHINESE.replace(old, new)) != []
