"""Labelled pictures in the layouts that ImageNet comes in, checked whole before anything is computed.

A folder for each class, called by its WordNet id (``n01440764``), its index or its name; or a flat folder
with a label file, as Caffe's ``val.txt`` and the ``val_label.txt`` of vendors' scripts have it: an index a
line, in the order of the pictures' names, or a name and its index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.labels import IMAGENET_CLASSES
from evaluation.picture_files import ENDINGS, pictures_below

LABEL_FILE = "val_label.txt"
"""The label file of a flat folder where no other is named."""

_WORDNET_ID = re.compile(r"n\d{8}")
_SHOWN = 3


@dataclass(frozen=True)
class LabelledPicture:
    """A picture: ``name`` is its path in the data set's folder, with ``/``; ``label`` its class's index."""

    name: str
    label: int


@dataclass(frozen=True)
class Dataset:
    """Labelled pictures below ``folder``, at least one, in the order of their names."""

    folder: Path
    pictures: tuple[LabelledPicture, ...]

    def path(self, picture: LabelledPicture) -> Path:
        return self.folder / picture.name


def picture_names(folder: Path) -> list[str]:
    """The pictures below ``folder`` by their paths in it, sorted; hidden files are none.

    Raises:
        EvaluationError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder}: there is no such folder")
    names = pictures_below(folder)
    if not names:
        raise EvaluationError(
            f"{folder}: there is no picture in it (a file that ends with {', '.join(ENDINGS)}); name the "
            "folder that holds the pictures"
        )
    return names


def read_dataset(folder: Path, labels: Path | None, classes: int, class_names: Sequence[str] = ()) -> Dataset:
    """Read the names and labels of a data set for a classifier of ``classes``; no picture is opened.

    ``labels`` is a label file; without one it is :data:`LABEL_FILE` in ``folder``, and where there is
    none either, every picture has to lie in the folder of its class, which is called by one of
    ``class_names`` where the model has names for all of its classes.

    Raises:
        EvaluationError: there are no pictures, a label is missing, is one too many or is no class, or the
            folders do not fit the classes; the message names the first ones.
    """
    names = picture_names(folder)
    own = folder / LABEL_FILE
    if labels is None and own.is_file():
        labels = own
    if labels is not None:
        return Dataset(folder, _paired(names, read_labels(labels, names, "picture", classes)))
    outside = [name for name in names if "/" not in name]
    if outside:
        raise EvaluationError(
            f"{folder}: {_some(outside)} {'lies' if len(outside) == 1 else 'lie'} in no folder of a class, "
            f"and there is no {LABEL_FILE}; name the label file with --labels"
        )
    folders = sorted({name.split("/")[0] for name in names})
    index_by_class = _named_indices(folders, folder, class_names)
    if index_by_class is None:
        index_by_class = _class_indices(folders, folder, classes, bool(class_names))
    return Dataset(folder, _paired(names, [index_by_class[name.split("/")[0]] for name in names]))


def read_labels(
    file: Path, names: Sequence[str], kind: str, classes: int, called: Callable[[str], str] = str
) -> list[int]:
    """Read a label file: the index of the class of each of ``names``, in their order.

    ``kind`` is what the names are called in messages. A line is an index, or a name and an index;
    ``called`` makes one of ``names`` of a name that stands there.

    Raises:
        EvaluationError: the file cannot be read, it has another length or other names, or an index is no
            class of a classifier of ``classes``.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{file}: the labels cannot be read: {error}") from error
    entries = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    for number, words in entries:
        if len(words) not in (1, 2) or not re.fullmatch(r"\d{1,9}", words[-1]):
            raise EvaluationError(
                f"{file}:{number}: a line is the index of a class, or a {kind}'s name and the index"
            )
        if int(words[-1]) >= classes:
            raise EvaluationError(
                f"{file}:{number}: class {words[-1]}, but the model has the classes 0 to {classes - 1}; "
                "indices begin with 0"
            )
    if {len(words) for _, words in entries} == {2}:
        index_by_name = {called(words[0]): int(words[1]) for _, words in entries}
        return _by_name(file, index_by_name, len(entries), names, kind)
    if any(len(words) == 2 for _, words in entries):
        raise EvaluationError(f"{file}: some lines have a name and some have not; give all of them one")
    if len(entries) != len(names):
        raise EvaluationError(
            f"{file}: {len(entries)} labels for {len(names)} {kind}s; a line is wanted for each, in the "
            "order of the names"
        )
    return [int(words[0]) for _, words in entries]


def _by_name(file: Path, labels: Mapping[str, int], lines: int, names: Sequence[str], kind: str) -> list[int]:
    if len(labels) != lines:
        raise EvaluationError(f"{file}: {lines - len(labels)} of its {lines} names stand there twice")
    absent = [name for name in labels if name not in set(names)]
    unlabelled = [name for name in names if name not in labels]
    if absent or unlabelled:
        mistakes = [f"no {kind} {_some(absent)}"] if absent else []
        mistakes += [f"no label of {_some(unlabelled)}"] if unlabelled else []
        raise EvaluationError(f"{file}: there is {' and '.join(mistakes)}")
    return [labels[name] for name in names]


def _named_indices(folders: Sequence[str], place: Path, class_names: Sequence[str]) -> dict[str, int] | None:
    """The index of the class that each folder is called after; None where no folder is."""
    indices: dict[str, list[int]] = {}
    for index, name in enumerate(class_names):
        indices.setdefault(_plain(name), []).append(index)
    unknown = [name for name in folders if _plain(name) not in indices]
    if len(unknown) == len(folders):
        return None
    if unknown:
        raise EvaluationError(f"{place}: {_some(unknown)} is none of the names of the model's classes")
    shared = [name for name in folders if len(indices[_plain(name)]) > 1]
    if shared:
        raise EvaluationError(
            f"{place}: {_some(shared)} is the name of several classes of the model; name the label file with "
            "--labels"
        )
    return {name: indices[_plain(name)][0] for name in folders}


def _plain(name: str) -> str:
    """A name as those see it who make folders of it: whatever its case, spaces, dashes and underscores."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _class_indices(folders: Sequence[str], place: Path, classes: int, named: bool) -> dict[str, int]:
    """The index of the class that each folder is for; ``named`` where the model has other names for them."""
    if all(re.fullmatch(r"\d{1,9}", name) for name in folders):
        indices = {name: int(name) for name in folders}
    elif classes == IMAGENET_CLASSES and all(map(_WORDNET_ID.fullmatch, folders)):
        known = _imagenet_indices()
        unknown = [name for name in folders if name not in known]
        if unknown:
            raise EvaluationError(f"{place}: {_some(unknown)} is none of ImageNet's 1000 classes")
        indices = {name: known[name] for name in folders}
    elif named:
        raise EvaluationError(
            f"{place}: {_some(folders)} is none of the names of the model's classes; call them "
            "by names or indices, or name the label file with --labels"
        )
    elif len(folders) != classes:
        raise EvaluationError(
            f"{place}: {len(folders)} folders of classes, and the model has {classes} classes; folders that "
            "are not called by an index or a WordNet id are counted in the order of their names, so there "
            "has to be one for each class"
        )
    else:
        indices = {name: index for index, name in enumerate(folders)}
    beyond = [name for name, index in indices.items() if index >= classes]
    if beyond:
        raise EvaluationError(
            f"{place}: {_some(beyond)} is no class of the model, which has the classes 0 to {classes - 1}"
        )
    if len(set(indices.values())) != len(indices):
        raise EvaluationError(f"{place}: two folders are called by the same index; make them one")
    return indices


def _paired(names: Sequence[str], labels: Sequence[int]) -> tuple[LabelledPicture, ...]:
    return tuple(LabelledPicture(name, label) for name, label in zip(names, labels, strict=True))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


@cache
def _imagenet_indices() -> dict[str, int]:
    """ImageNet's classes by their WordNet ids."""
    file = resources.files("imagenet_classes").joinpath("imagenet1k_to_21k.json")
    identifiers: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return {identifier: int(index) for index, identifier in identifiers.items()}
