"""What files of ours import: other files of ours, and packages of others."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("converters", "opsets", "quantization", "parity", "evaluation", "latency", "publishing", "pipeline")


def files_at(places: Iterable[str]) -> set[str]:
    """The Python files that ``places`` are or hold, as paths from the top."""
    found: set[str] = set()
    for place in places:
        path = ROOT / place
        files = path.rglob("*.py") if path.is_dir() else [path]
        found |= {file.relative_to(ROOT).as_posix() for file in files}
    return found


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _modules(file: str) -> tuple[str, ...]:
    """The modules that a file imports anywhere, or reads data of, but for annotations alone."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    for_annotations = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: list[str] = []
    for node in ast.walk(tree):
        if id(node) in for_annotations:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("resources.files"):
            found += [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
    return tuple(found)


def ours(file: str) -> set[str]:
    """The files of ours that a file imports."""
    named = {f"{module.replace('.', '/')}.py" for module in _modules(file)}
    return {name for name in named if (ROOT / name).is_file()}


def all_ours(files: Iterable[str]) -> set[str]:
    """``files`` with all that they import, and what these import in turn."""
    found: set[str] = set()
    waiting = set(files)
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= ours(file) - found
    return found


def packages(file: str) -> set[str]:
    """The packages of others that a file imports, as they are called on a package index.

    A module of which no package is installed is called by its own name.
    """
    named = {module.partition(".")[0] for module in _modules(file)}
    foreign = named - set(sys.stdlib_module_names) - set(ROOMS)
    return {_distribution(name, file) for name in foreign}


def _distribution(module: str, file: str) -> str:
    known = _distributions().get(module, [module])
    if module == "google":  # a name that many packages share
        known = ["protobuf"]
    assert len(set(known)) == 1, f"{file}: {module} is of several packages: {known}"
    return known[0].lower().replace("_", "-")
