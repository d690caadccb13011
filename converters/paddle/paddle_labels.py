"""The names of classes in an inference model folder, as PaddleClas and PaddleX keep them beside the model.

Their ``inference.yml`` has them under ``PostProcess``, in ``label_list`` of one of its steps, or names a file
there, ``class_id_map_file``, with a line ``0 tench`` for each class. Strangers write what is in a folder, and
such a path may lead anywhere: no file is read that does not lie in the folder itself.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Optional, Tuple

import yaml

from protocol import MODEL, TaskError

CONFIGS = ("inference.yml", "inference.yaml")
LARGEST = 16 * 2**20
"""Bytes of a file with names."""


def labels(folder: str) -> Tuple[Optional[List[str]], str]:
    """The names of the classes in the order of the outputs, None where nobody says them; and who does.

    Raises TaskError where a file with names cannot be read as one.
    """
    config = next((name for name in CONFIGS if os.path.isfile(os.path.join(folder, name))), None)
    if config is None:
        return None, ""
    for step in _steps(folder, config):
        listed, file = step.get("label_list"), step.get("class_id_map_file")
        if isinstance(listed, dict):
            listed = _in_order(listed, config)
        if isinstance(listed, list):
            if not all(isinstance(name, str) for name in listed):
                raise TaskError(MODEL, f"label_list in {config} of the model folder is no list of names")
            return listed, f"{config} of the model folder"
        if isinstance(file, str) and file:
            own = os.path.basename(file)
            if os.path.isfile(os.path.join(folder, own)):
                return _of_map(folder, own), f"{own} of the model folder"
            print(f"{config} names the classes in {file}, and the folder has no {own}", file=sys.stderr)
    return None, ""


def _steps(folder: str, config: str) -> List[Dict[str, Any]]:
    """The steps behind the network; of every value a text, so that a class called ``no`` is not False."""
    try:
        described = yaml.load(_text(folder, config), Loader=yaml.BaseLoader)  # noqa: S506 - makes no objects
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).replace("\n", " ")
        raise TaskError(MODEL, f"{config} of the model folder cannot be read: {reason}") from error
    after = described.get("PostProcess") if isinstance(described, dict) else None
    steps = after if isinstance(after, list) else [after]
    inner = [step for steps_ in steps if isinstance(steps_, dict) for step in (steps_, *steps_.values())]
    return [step for step in inner if isinstance(step, dict)]


def _of_map(folder: str, name: str) -> List[str]:
    """The names in a file whose lines are an index, a space and a name, as PaddleClas's Topk reads it."""
    names: Dict[str, str] = {}
    for number, line in enumerate(_text(folder, name).splitlines(), start=1):
        index, _, label = line.strip().partition(" ")
        if not line.strip():
            continue
        if not index.isdecimal() or not label.strip() or index in names:
            raise TaskError(
                MODEL,
                f"{name} of the model folder: line {number} is no index with a name: {line[:60]!a}",
            )
        names[index] = label.strip()
    return _in_order(names, name)


def _in_order(names: Dict[str, Any], file: str) -> List[Any]:
    """The values of ``names``, whose keys have to be all indices from 0."""
    absent = [index for index in range(len(names)) if str(index) not in names]
    if absent:
        raise TaskError(
            MODEL, f"{file} of the model folder has no name for class {absent[0]} of {len(names)}"
        )
    return [names[str(index)] for index in range(len(names))]


def _text(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    if os.path.dirname(os.path.realpath(path)) != os.path.realpath(folder):
        raise TaskError(
            MODEL, f"{name} of the model folder is a link to a file elsewhere: put the file there"
        )
    if os.path.getsize(path) > LARGEST:
        raise TaskError(MODEL, f"{name} of the model folder has more than {LARGEST} bytes: are these names?")
    with open(path, "rb") as stream:
        data = stream.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(MODEL, f"{name} of the model folder is not UTF-8: save it as UTF-8") from error
