"""What the keys of stages are made of: all the code that does a stage's work, and no more."""

from __future__ import annotations

import ast
from pathlib import Path

from pipeline.planning.keys import _CODE

ROOT = Path(__file__).parents[3]


def _imported(path: Path) -> set[str]:
    """The modules of our own that a file imports, as paths."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {file for name in named if (ROOT / (file := f"{name.replace('.', '/')}.py")).is_file()}


def test_the_fixed_inputs_are_made_by_the_code_that_is_in_their_key() -> None:
    listed = set(_CODE["inputs"])
    assert "evaluation/inputs.py" in listed
    assert {file for path in listed for file in _imported(ROOT / path)} <= listed


def test_every_place_in_a_key_is_there() -> None:
    assert [place for places in _CODE.values() for place in places if not (ROOT / place).exists()] == []
