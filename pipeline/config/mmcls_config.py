"""Configs of MMClassification that a pipeline file names by path: what they are made of, without running any.

A config in Python is a program, which the source's own process runs where the user trusts it; one in YAML or
JSON is data. The form, with ``_base_`` for the configs that it changes, is that of ``mmcv.utils.Config`` 1.x.
As in mmengine, which came after it, ``mmcls::PATH`` is a config in the package itself.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.config.schema import ModelEntry
from publishing.foreign_text import visible

PYTHON = ".py"
SUFFIXES = (PYTHON, ".yaml", ".yml", ".json")
PACKAGE = "mmcls::"
"""How the name of a config in MMClassification's package begins; the rest is below its ``configs``."""
BASES = "_base_"
_REFERENCE = re.compile(r"\{\{\s*_base_\.[\w.]+\s*\}\}")
"""How a config names a value of one that it is based on, which is not YAML yet."""
_WRITERS = {"exec", "globals", "locals", "vars"}
"""Functions by which a program may assign to names that it does not mention."""


class ConfigError(Exception):
    """What keeps a config from being read without running it, a sentence."""


@dataclass(frozen=True)
class Chain:
    """A config with all that it is based on."""

    files: tuple[Path, ...]
    """Absolute and without links: the config itself, then the others of the user's."""
    packaged: tuple[str, ...]
    """Those of MMClassification's package, as they are named; what these are based on is in it, too."""
    label_files: tuple[Path, ...]
    """Absolute: the files beside the config in which they say that the names of the classes are."""


@dataclass(frozen=True)
class _Config:
    """What one file says, as far as that can be known without running it."""

    bases: tuple[str, ...]
    keys: frozenset[str] | None
    """Those at the top; None where a program may assign others than it mentions."""
    label_files: tuple[str, ...]


def chain_of(config: Path) -> Chain:
    """The chain of ``config``. Raises ConfigError with what is wrong in it."""
    chain, _ = _read_chain(config)
    return chain


def mistakes_of_config(pattern: str, entry: ModelEntry, folder: Path) -> Iterator[str]:
    """Why the config ``pattern``, relative to ``folder``, cannot be published as ``entry`` asks."""
    path = folder / pattern
    if path.suffix not in SUFFIXES:
        yield f"{pattern!r} is a path, and no config of MMClassification ({', '.join(SUFFIXES)})."
        return
    if not path.is_file():
        yield f"there is no file {path}. Correct the path of the config."
        return
    if not entry.name:
        yield "a model given as a config needs a name to be published under. Add name: NAME."
    try:
        chain, configs = _read_chain(path)
    except ConfigError as error:
        yield visible(str(error))
        return
    for file, config in zip(chain.files, configs, strict=True):
        if config.keys and "custom_imports" in config.keys:
            yield (
                f"{file} has custom_imports, code beside the configs, which is not run. Remove it; a network "
                "of your own is published with source: pytorch."
            )
    keys = [config.keys for config in configs]
    if not chain.packaged and not any(some is None or "model" in some for some in keys):
        yield f"{path} says no model, nor does what it is based on. Give a config of a classifier."


def _read_chain(config: Path) -> tuple[Chain, list[_Config]]:
    """The chain of ``config``, and what its own files say, in the same order."""
    found: dict[Path, _Config] = {}
    packaged: dict[str, None] = {}

    def follow(file: Path, above: tuple[Path, ...]) -> None:
        if file in above:
            raise ConfigError(f"{file} is based on itself. Take it out of its {BASES}.")
        if file in found:
            return
        said = found[file] = _read(file)
        for base in said.bases:
            if base.startswith(PACKAGE):
                packaged[_packaged(base, file)] = None
            else:
                follow(_base_file(base, file), (*above, file))

    first = config.resolve()
    follow(first, ())
    named = [name for said in found.values() for name in said.label_files]
    files = [Path(os.path.normpath(first.parent / name)) for name in dict.fromkeys(named)]
    labels = tuple(file for file in files if is_beside(file, first))
    return Chain(tuple(found), tuple(packaged), labels), list(found.values())


def is_beside(file: Path, config: Path) -> bool:
    """Whether ``file`` lies in the folder of ``config``, or below it, so that a config may have it read."""
    return file.resolve().is_relative_to(config.parent.resolve())


def _packaged(base: str, file: Path) -> str:
    path = Path(base.removeprefix(PACKAGE))
    if path.is_absolute() or ".." in path.parts or path.suffix != PYTHON:
        raise ConfigError(
            f"{file} is based on {base!r}, which is no config of MMClassification's package: name one as "
            f"{PACKAGE}_base_/models/resnet18.py."
        )
    return f"{PACKAGE}{path.as_posix()}"


def _base_file(base: str, file: Path) -> Path:
    if "::" in base:
        scope = base.partition("::")[0]
        raise ConfigError(
            f"{file} is based on {base!r}; of packages, {PACKAGE} alone can be named, and not {scope}::."
        )
    if "{{" in base or Path(base).suffix not in SUFFIXES:
        raise ConfigError(
            f"{file} is based on {base!r}, which is no path of a config ({', '.join(SUFFIXES)}). Write that."
        )
    path = (file.parent / base).resolve()
    if not path.is_file():
        _, here, below = base.rpartition(f"{BASES}/")
        inside = f"{PACKAGE}{BASES}/{below}" if here else f"{PACKAGE}FOLDER/NAME.py"
        raise ConfigError(
            f"{file} is based on {base!r}, and there is no file {path}. Correct it, or give {inside} for the "
            "config in MMClassification's package."
        )
    return path


def _read(file: Path) -> _Config:
    try:
        text = file.read_text(encoding="utf-8")
        return _of_program(text, file) if file.suffix == PYTHON else _of_data(text, file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error
    except (SyntaxError, UnicodeDecodeError, ValueError, RecursionError, yaml.YAMLError) as error:
        kinds = {PYTHON: "Python", ".json": "JSON"}
        reason = " ".join(str(error).split())
        raise ConfigError(f"{file} cannot be read as {kinds.get(file.suffix, 'YAML')}: {reason}.") from error


def _of_program(text: str, file: Path) -> _Config:
    tree = ast.parse(text)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = [node.id for node in names if isinstance(node.ctx, ast.Store)]
    imported = [
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    unknown = "*" in imported or any(node.id in _WRITERS for node in names)
    return _Config(
        _literal_bases(tree, stored.count(BASES), file),
        None if unknown else frozenset((*stored, *imported)),
        tuple(_named_files(tree)),
    )


def _literal_bases(tree: ast.Module, stored: int, file: Path) -> tuple[str, ...]:
    """The bases that a program assigns, which it has to do once, at the top, as a literal."""
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and [target.id for target in node.targets if isinstance(target, ast.Name)] == [BASES]
    ]
    if not stored:
        return ()
    if stored == len(values) == 1:
        try:
            return _bases(ast.literal_eval(values[0]), file)
        except ValueError:
            pass  # it is computed
    raise ConfigError(
        f"the {BASES} of {file} cannot be read without running it, so that nobody can say what would run. "
        "Write it once, as a path or as a list of paths."
    )


def _bases(value: Any, file: Path) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(base, str) and base for base in listed):
        raise ConfigError(f"the {BASES} of {file} is neither a path nor a list of paths. Correct it.")
    return tuple(listed)


def _named_files(tree: ast.Module) -> Iterator[str]:
    """The texts that a program hands on as ``classes``, itself or by the name of a variable."""
    texts = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.keyword) and node.arg == "classes":
            values = [node.value]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            values = [
                value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "classes"
            ]
        for value in values:
            said = value.value if isinstance(value, ast.Constant) else None
            said = texts.get(value.id) if isinstance(value, ast.Name) else said
            if isinstance(said, str):
                yield said


def _of_data(text: str, file: Path) -> _Config:
    said = json.loads(text) if file.suffix == ".json" else yaml.safe_load(_REFERENCE.sub("null", text))
    if not isinstance(said, dict):
        raise ConfigError(f"{file} holds no keys and values, as a config does. Correct it.")
    bases = _bases(said[BASES], file) if BASES in said else ()
    return _Config(bases, frozenset(map(str, said)), tuple(_files_in(said)))


def _files_in(value: Any) -> Iterator[str]:
    """The texts under ``classes`` anywhere in ``value``."""
    if isinstance(value, dict) and isinstance(value.get("classes"), str):
        yield value["classes"]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _files_in(each)
