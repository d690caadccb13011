"""Reads YAML and remembers the line of every key and value, so that an error can name it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import UsageError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class LinedDocument:
    """A YAML document as plain Python values, with the line (from 1) of every place in it."""

    path: Path
    value: Any
    lines: dict[Location, int]

    def line_of(self, location: Location) -> int:
        """The line of ``location``, or of the nearest place around it that is in the file."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def error(self, location: Location, message: str) -> UsageError:
        """An error that begins with the file and the line, as compilers print it."""
        return UsageError(f"{self.path}:{self.line_of(location)}: {message}")


def read_yaml(path: Path) -> LinedDocument:
    """Read one YAML document. Raises UsageError where it cannot be read or has a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}. Give the path of a pipeline file.") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder. Give the path of a pipeline file in it.") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"{path}:{_yaml_message(error)}") from error
    document = LinedDocument(path, None, {})
    if node is None:
        raise document.error((), "the file is empty.")
    return LinedDocument(path, _plain(node, (), document), document.lines)


def _yaml_message(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{mark.line + 1}: this is not YAML: {error.problem} (column {mark.column + 1})."
    return f"1: this is not YAML: {error}"


def _plain(node: yaml.Node, location: Location, document: LinedDocument) -> Any:
    """The value of ``node``; its line, and those of all below it, go into ``document.lines``."""
    document.lines[location] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*location, index), document) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(node, location, document)
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise document.error(location, f"cannot read this value: {error}") from error
    finally:
        loader.dispose()


def _plain_mapping(
    node: yaml.MappingNode, location: Location, document: LinedDocument
) -> dict[Hashable, Any]:
    values: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            document.lines[location] = key_node.start_mark.line + 1
            raise document.error(location, "a key has to be a plain word.")
        place = (*location, key)
        if key in values:
            first = document.lines[place]
            document.lines[place] = key_node.start_mark.line + 1
            raise document.error(place, f"the key {key!r} is already there in line {first}.")
        values[key] = _plain(value_node, place, document)
        document.lines[place] = key_node.start_mark.line + 1
    return values
