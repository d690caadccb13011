"""The configs of classifiers: those in MMClassification's package, and those of the user's by their paths.

A config in Python is a program. One of the user's is run where the request lists it, and so is every other
that it is based on, but for those of the package, which are named ``mmcls::PATH`` as mmengine has it.
"""

from __future__ import annotations

import copy
import difflib
import os
from pathlib import Path
from typing import Any, Dict, List, Sequence

import mmcls
import mmcv
import yaml
from mmcv.fileio.handlers import yaml_handler

from checkpoints import sha256_of
from own_code import Told, require_listed, trusted_files
from protocol import MODEL, TaskError

CONFIGS = (Path(mmcls.__file__).parent / ".mim" / "configs").resolve()
FAMILIES = {"fp16": "resnet"}
"""The family where a folder of configs is called after something else: how the network was trained."""
PACKAGE = "mmcls::"
"""How a config of the user's names one of the package: what follows is a path below :data:`CONFIGS`."""
LOADING = ("init_cfg", "pretrained", "checkpoint_path")
"""Keys of a model that say where training begins: files and addresses of weights."""

_own: Dict[str, Any] = {}
"""The configs of the user's that this process has read, by their paths; it serves one request."""
_packaged: Dict[str, str] = {}
"""The sha256 of the package's configs that these are based on, by their names."""


def config_files() -> Dict[str, Path]:
    """The config of every classifier in the package by its name, the stem of the file."""
    configs = [file for file in CONFIGS.rglob("*.py") if "_base_" not in file.parts]
    return {file.stem: file for file in sorted(configs)}


def family(file: Path) -> str:
    """The folder that the config ``file`` is in."""
    folder = file.relative_to(CONFIGS).parts[0]
    return FAMILIES.get(folder, folder)


def names() -> List[str]:
    """The classifiers that can be named: those of the package, and the path that a request has."""
    return [*config_files(), *_own]


def is_own(model: str) -> bool:
    """Whether ``model`` is a config of the user's, which a path names."""
    return "/" in model


def config(model: str) -> Any:
    """The config of ``model``; TaskError where it refers to a file that the package lacks."""
    if is_own(model):
        return copy.deepcopy(_own[model])
    try:
        return mmcv.Config.fromfile(str(config_files()[model]))
    except FileNotFoundError as error:
        raise TaskError(
            MODEL, f"the config of {model} in mmcls {mmcls.__version__} is broken: {error}"
        ) from error


def read_own(request: Dict[str, Any]) -> None:
    """Read the config of the user's that ``request`` names, so that :func:`config` knows it.

    Raises TaskError where it is code that nobody trusts, where something else would be run than what is
    listed, and where it says no classifier.
    """
    model, listed = request["model"], trusted_files(request)
    yaml_handler.Loader = yaml.SafeLoader  # mmcv's own makes any object that a file names
    read = mmcv.Config._file2dict

    def read_listed(filename: str, *arguments: Any) -> Any:
        path = _listed(filename, listed)
        return read(path, *arguments)

    mmcv.Config._file2dict = staticmethod(read_listed)
    try:
        with Told(f"reading the config {model}"):
            read_config = mmcv.Config.fromfile(model, import_custom_modules=False)
    finally:
        mmcv.Config._file2dict = staticmethod(read)
    require_listed(listed)
    _require_classifier(model, read_config)
    without_loading(read_config.model)
    _own[model] = read_config


def _listed(filename: str, listed: Sequence[str]) -> str:
    """The path of a config that may be read: one of ``listed``, or one of the package."""
    _, is_packaged, below = filename.partition(PACKAGE)
    path = os.path.realpath(CONFIGS / below if is_packaged else filename)
    packaged = os.path.relpath(path, CONFIGS)
    if not packaged.startswith(os.pardir):
        if not os.path.isfile(path):
            raise _no_such_config(packaged)
        _packaged[PACKAGE + packaged] = sha256_of(path)
    elif path not in listed:
        raise TaskError(
            MODEL,
            f"{listed[0]} is based on {path} in a way that cannot be seen without running it, so that nobody "
            "has looked at that: write its path into _base_",
        )
    return path


def _no_such_config(name: str) -> TaskError:
    there = [file.relative_to(CONFIGS).as_posix() for file in CONFIGS.rglob("*.py")]
    near = difflib.get_close_matches(name, there, n=1)
    hint = f"; did you mean {PACKAGE}{near[0]}?" if near else ""
    return TaskError(MODEL, f"the package of mmcls {mmcls.__version__} has no config {PACKAGE}{name}{hint}")


def _require_classifier(model: str, said: Any) -> None:
    if "custom_imports" in said:
        raise TaskError(MODEL, f"{model} has custom_imports, code beside the configs, which is not run")
    wanted = said.get("model")
    if not isinstance(wanted, dict):
        raise TaskError(MODEL, f"{model} says no model, nor does what it is based on")
    missing = [part for part in ("backbone", "head") if "type" not in _part(wanted.get(part))]
    if missing or "type" not in wanted:
        said_not = " and no ".join(missing or ["type"])
        raise TaskError(MODEL, f"{model} is no config of a classifier: its model has no {said_not}")


def without_loading(part: Any) -> None:
    """Take out of a model, in place, what says where its training begins: the request has its weights."""
    inner = list(part.values()) if isinstance(part, dict) else part if isinstance(part, (list, tuple)) else []
    if isinstance(part, dict):
        for key in LOADING:
            part.pop(key, None)
    for each in inner:
        without_loading(each)


def packaged_code() -> Dict[str, str]:
    """The sha256 of the package's configs that a config of the user's is based on, by their names."""
    return dict(sorted(_packaged.items()))


def labels_of(model: str) -> Dict[str, Any]:
    """What an answer says of the names of the classes that the config of the user's says, if any."""
    if not is_own(model):
        return {}
    train = _part(_part(config(model).get("data")).get("train"))
    classes = {**_part(train.get("dataset")), **train}.get("classes")  # what repeats one has it inside
    file = os.path.basename(model)
    if isinstance(classes, str):
        path = os.path.join(os.path.dirname(os.path.realpath(model)), classes)
        return {"labels": {"file": os.path.normpath(path), "origin": f"the config {file}"}}
    if isinstance(classes, (list, tuple)):
        return {"labels": {"names": list(map(str, classes)), "origin": f"the config {file}"}}
    return {}


def _part(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}
