"""What checkpoints of every framework share: which tensor belongs to which tensor of a network, and digests.

Standard library only.
"""

from __future__ import annotations

import hashlib
import os
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from protocol import WEIGHTS, TaskError

Shapes = Mapping[str, Tuple[int, ...]]

SHOWN = 4
"""How many tensors of each kind of mistake a message names."""

BLOCK = 1 << 20

POINTER = b"version https://git-lfs.github.com/spec/v1"
"""How Git LFS begins the text that stands in the place of a large file that was not fetched."""

SMALLEST_BOUND = 64 << 20
LARGEST_RATIO = 20

POSITIONS = ("pos_embed", "position", "pos_encoding", "rel_pos", "attention_bias", "attn_mask")
"""What the names of tensors hold whose sizes follow from the size of the pictures."""
PREPARED = (1, 3)
"""The numbers of channels of the pictures that can be prepared."""
MOST_IN_ORDER = 8
"""Where more tensors than so many are of other shapes, their order says nothing."""

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


class OtherHeadError(TaskError):
    """The weights fit but for one length, which may be the number of classes.

    ``given`` is that length in the file, ``needed`` in the network, and ``tensors`` are the names, in the
    file, of those that have it.
    """

    def __init__(self, message: str, needed: int, given: int, tensors: List[str]) -> None:
        super().__init__(WEIGHTS, message)
        self.needed, self.given, self.tensors = needed, given, tensors


class _Difference(NamedTuple):
    """A tensor of another shape in the file than in the network."""

    name: str
    """In the file."""
    given: Tuple[int, ...]
    needed: Tuple[int, ...]

    @property
    def lengths(self) -> Optional[Tuple[int, int]]:
        """The length that is needed and the one that is given, where no other one differs."""
        if len(self.given) != len(self.needed):
            return None
        differing = [pair for pair in zip(self.needed, self.given) if pair[0] != pair[1]]
        return differing[0] if len(differing) == 1 else None

    @property
    def is_of_position(self) -> bool:
        """Whether its size follows from that of the pictures, as its name says."""
        return any(part in self.name for part in POSITIONS)

    @property
    def is_of_channels(self) -> bool:
        """Whether it is a convolution of pictures with another number of channels."""
        colours = (self.needed[1:2], self.given[1:2])
        return self.lengths is not None and len(self.given) == 4 and set(colours) <= {(1,), (3,), (4,)}


def matching(loaded: Shapes, wanted: Shapes) -> Tuple[Dict[str, str], str]:
    """The given name for every wanted one, and how it was found: ``by name`` or ``in order``.

    By name where all names agree; else in order where all shapes agree one by one and no name says
    another role (weight, bias, running mean or variance) than the one whose place it takes.

    Raises TaskError, naming the first tensors that do not fit, otherwise; OtherHeadError where they all have
    one other length, and nothing else is different.
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
    differences = _differences(loaded, wanted)
    message = f"{_mismatch(loaded, wanted, differences)}. {_advice(differences)}"
    lengths = {difference.lengths for difference in differences}
    is_head = len(lengths) == 1 and None not in lengths and not any(map(_is_of_pictures, differences))
    if is_head and len(loaded) == len(wanted):
        [(needed, given)] = [pair for pair in lengths if pair]
        raise OtherHeadError(message, needed, given, [difference.name for difference in differences])
    raise TaskError(WEIGHTS, message)


_ADVICE = "Check that the file was made for this model"


def _differences(loaded: Shapes, wanted: Shapes) -> List[_Difference]:
    """The tensors of other shapes: in order where all but a few fit so, else by name."""
    shared = [(name, name) for name in wanted if name in loaded]
    by_name = _different(shared, loaded, wanted)
    if loaded.keys() == wanted.keys() or len(loaded) != len(wanted):
        return by_name
    in_order = _different(list(zip(loaded, wanted)), loaded, wanted)
    return in_order if len(in_order) <= MOST_IN_ORDER else by_name


def _different(pairs: List[Tuple[str, str]], loaded: Shapes, wanted: Shapes) -> List[_Difference]:
    differences = [_Difference(theirs, loaded[theirs], wanted[ours]) for theirs, ours in pairs]
    return [difference for difference in differences if difference.given != difference.needed]


def _is_of_pictures(difference: _Difference) -> bool:
    return difference.is_of_channels or difference.is_of_position


def _advice(differences: List[_Difference]) -> str:
    """What to do about weights that do not fit, by the key of the pipeline file that would help."""
    keys, heads = [], set()
    for difference in differences:
        if difference.is_of_channels:
            keys.append(f"channels: {difference.given[1]}")
            if difference.given[1] not in PREPARED:
                return f"{_ADVICE}; pictures are prepared with 1 or 3 channels, and with no other number"
        elif difference.is_of_position:
            keys.append("preprocessing: {input_size: ...}")
        else:
            heads.add(difference.lengths[1] if difference.lengths else None)
    if len(heads) == 1 and None not in heads:
        keys.insert(0, f"classes: {heads.pop()}")
    if heads or not keys:
        return f"{_ADVICE}; networks of other sizes are built with `arguments`"
    listed = " and ".join(f"`{key}`" for key in dict.fromkeys(keys))
    return f"{_ADVICE}; it may be that its entry needs {listed}"


def _role(name: str) -> str:
    """What a name says that its tensor is; empty where it says nothing."""
    last = name.rsplit(".", 1)[-1]
    return next((role for ending, role in ROLES.items() if last.endswith(ending)), "")


def _mismatch(loaded: Shapes, wanted: Shapes, differences: List[_Difference]) -> str:
    """What does not fit, the first few of each kind and how many more there are."""
    different = [
        f"{difference.name} has shape {difference.given}, needed is {difference.needed}"
        for difference in differences
    ]
    missing = [f"{name} {wanted[name]} is missing" for name in wanted if name not in loaded]
    more = [f"{name} {loaded[name]} is not needed" for name in loaded if name not in wanted]
    lines = [*_first(different), *_first(missing), *_first(more)]
    counts = f"{len(loaded)} tensors given, {len(wanted)} needed"
    return f"the weights do not fit the model, by name or in order: {counts}; " + "; ".join(lines)


def _first(lines: List[str]) -> List[str]:
    left = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"and {left} more of these"] if left > 0 else [])]


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
