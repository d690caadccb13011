"""What checkpoints of every framework share: which tensor belongs to which tensor of a network, and digests.

Standard library only.
"""

from __future__ import annotations

import hashlib
import os
from typing import Dict, List, Mapping, Tuple

from protocol import WEIGHTS, TaskError

Shapes = Mapping[str, Tuple[int, ...]]

SHOWN = 4
"""How many tensors of each kind of mistake a message names."""

BLOCK = 1 << 20

POINTER = b"version https://git-lfs.github.com/spec/v1"
"""How Git LFS begins the text that stands in the place of a large file that was not fetched."""

SMALLEST_BOUND = 64 << 20
LARGEST_RATIO = 20

ROLES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_var": "running_var",
    "_mean": "running_mean",
    "_variance": "running_var",
    "weight": "weight",
    "bias": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}
"""How the frameworks end the names of tensors that often have one shape, and what they mean by it."""


def matching(loaded: Shapes, wanted: Shapes) -> Tuple[Dict[str, str], str]:
    """The given name for every wanted one, and how it was found: ``by name`` or ``in order``.

    By name where all names agree; else in order where all shapes agree one by one and no name says
    another role (weight, bias, running mean or variance) than the one whose place it takes.

    Raises TaskError, naming the first tensors that do not fit, otherwise.
    """
    if loaded.keys() == wanted.keys() and all(loaded[name] == wanted[name] for name in wanted):
        return {name: name for name in wanted}, "by name"
    pairs = list(zip(wanted, loaded))
    in_order = len(loaded) == len(wanted) and loaded.keys() != wanted.keys()
    if in_order and all(wanted[ours] == loaded[theirs] for ours, theirs in pairs):
        contradictions = [pair for pair in pairs if len({_role(name) for name in pair} - {""}) > 1]
        if not contradictions:
            return dict(pairs), "in order"
        ours, theirs = contradictions[0]
        raise TaskError(
            WEIGHTS, f"the weights do not fit the model in order: {theirs} would become {ours}. {_ADVICE}"
        )
    raise misfit(loaded, wanted)


_ADVICE = "Check that the file was made for this model and this number of classes"


def _role(name: str) -> str:
    """What a name says that its tensor is; empty where it says nothing."""
    last = name.rsplit(".", 1)[-1]
    return next((role for ending, role in ROLES.items() if last.endswith(ending)), "")


def misfit(loaded: Shapes, wanted: Shapes) -> TaskError:
    """The error that names what does not fit, the first few of each kind."""
    different = [
        f"{name} has shape {loaded[name]}, needed is {wanted[name]}"
        for name in wanted
        if loaded.get(name, wanted[name]) != wanted[name]
    ]
    missing = [f"{name} {wanted[name]} is missing" for name in wanted if name not in loaded]
    more = [f"{name} {loaded[name]} is not needed" for name in loaded if name not in wanted]
    lines: List[str] = [*different[:SHOWN], *missing[:SHOWN], *more[:SHOWN]]
    counts = f"{len(loaded)} tensors given, {len(wanted)} needed"
    what = f"the weights do not fit the model, by name or in order: {counts}; " + "; ".join(lines)
    return TaskError(WEIGHTS, f"{what}. {_ADVICE}")


def refuse_pointer(path: str) -> None:
    """Raise TaskError where the file ``path`` only says where its content is to be fetched from.

    See https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
    """
    with open(path, "rb") as stream:
        if stream.read(len(POINTER)) == POINTER:
            raise TaskError(
                WEIGHTS,
                f"{os.path.basename(path)} cannot be read: it is a Git LFS pointer; "
                "fetch the file itself with `git lfs pull`",
            )


def largest_unpacked(path: str) -> int:
    """What the archive ``path`` may unpack to at most, in bytes: weights hardly compress."""
    return max(SMALLEST_BOUND, LARGEST_RATIO * os.path.getsize(path))


def sha256_of(path: str) -> str:
    """The sha256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
