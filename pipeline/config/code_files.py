"""Code of the user's that a pipeline file names as a model: what can be said of it without running it."""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.config.onnx_files import lacking
from pipeline.config.schema import ModelEntry
from publishing.foreign_text import visible

ARCHIVES = (".pt", ".pth", ".ts", ".torchscript")
"""How the names of TorchScript archives end."""


def split_function(pattern: str) -> tuple[str, str]:
    """The path and the name of the function in ``./net.py:build``; no name where there is none."""
    path, colon, function = pattern.rpartition(":")
    return (path, function) if colon and path.endswith(".py") else (pattern, "")


def files_of_code(file: Path) -> tuple[Path, ...]:
    """``file``, and for a module those below its folder that it imports, and that these import."""
    if file.suffix != ".py":
        return (file,)
    found, waiting = {file}, [file]
    while waiting:
        for imported in _imported(waiting.pop(), file.parent):
            if imported not in found:
                found.add(imported)
                waiting.append(imported)
    return (file, *sorted(found - {file}))


def _imported(file: Path, root: Path) -> Iterator[Path]:
    """The modules below the folder ``root`` that ``file`` imports, with the packages that they are in."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            base = root
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            names = [[*module, name.name] for name in node.names]
            base = file.parents[node.level - 1] if node.level else root
        else:
            continue
        for parts in names:
            for length in range(1, len(parts) + 1):
                place = base.joinpath(*parts[:length])
                candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
                yield from (path for path in candidates if path.is_file() and path.is_relative_to(root))


def mistakes_of_code(pattern: str, entry: ModelEntry, folder: Path) -> Iterator[str]:
    """Why what ``pattern`` names, relative to ``folder``, cannot be published as ``entry`` asks."""
    path, function = split_function(pattern)
    file = folder / path
    if file.suffix == ".py" and not function:
        yield f"{pattern!r} does not say which function builds the network. Give {pattern}:FUNCTION."
        return
    if not function and not path.endswith(ARCHIVES):
        yield (
            f"{pattern!r} is neither a function, as ./net.py:build, nor a TorchScript archive "
            f"({', '.join(ARCHIVES)})."
        )
        return
    yield from lacking(file, entry)
    if entry.preprocessing.input_size is None:
        yield "code does not say the size of its pictures. Give preprocessing: {input_size: [C, H, W]}."
    if file.is_file():
        yield from _mistakes_of_module(file, function) if function else _mistakes_of_archive(file, entry)


def _mistakes_of_module(file: Path, function: str) -> Iterator[str]:
    try:
        files_of_code(file)
        statements = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError) as error:
        yield f"{file} cannot be read as Python: {visible(str(error))}."
        return
    defined = [node.name for node in statements if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    others = {
        alias.asname or alias.name
        for node in statements
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    others |= {
        target.id
        for node in statements
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if function not in {*defined, *others}:
        yield f"{file} defines no {function}. It has {', '.join(map(visible, defined)) or 'no functions'}."


def _mistakes_of_archive(file: Path, entry: ModelEntry) -> Iterator[str]:
    if entry.arguments:
        yield "a TorchScript archive is built already. Remove arguments from this entry."
    if not zipfile.is_zipfile(file):
        parts: list[str] = []
    else:
        with zipfile.ZipFile(file) as archive:
            parts = [name.partition("/")[2] for name in archive.namelist()]
    if "constants.pkl" not in parts:
        yield (
            f"{file} is no TorchScript archive, as torch.jit.save writes one. A checkpoint belongs to the "
            "weights: give model: ./net.py:FUNCTION beside it."
        )
