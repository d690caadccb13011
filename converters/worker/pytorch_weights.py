"""Reading checkpoints of PyTorch without running code, and fitting them to a network."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import safetensors
import safetensors.torch
import torch

from checkpoints import refuse_pointer
from protocol import WEIGHTS, TaskError
from pytorch_entries import TensorSet, choose
from pytorch_files import Contents, is_safetensors, read, unreadable
from pytorch_names import Match, match
from pytorch_pickles import StoredTensor

COUNTER = "num_batches_tracked"
"""BatchNorm's count of training steps: old checkpoints lack it, and inference does not read it."""
ALIGNMENT = 16
"""Bytes: the address of a tensor's values is a multiple of the largest element."""
SHOWN = 4

Tensors = Dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The weights in a file: one set of its tensors."""

    found: TensorSet
    """Its tensors have shapes; :attr:`tensor` gives their values."""
    tensor: Callable[[Any], Any]
    saved: Any = None
    """All that a file of torch.save holds, of which nothing but plain values and containers can be used."""


def read_checkpoint(
    path: str, preferred: Sequence[str] = (), entry: Optional[str] = None, shards: Sequence[str] = ()
) -> Checkpoint:
    """Read a file of torch.save or safetensors, whatever its name ends with, without running code.

    ``entry`` names the set of tensors to take, or else it is chosen as :func:`pytorch_entries.choose` has it.
    ``path`` may be the index of several files, ``shards``, which hold a set together. Raises TaskError where
    a file is damaged, or has no tensors by name.
    """
    if not shards:
        return _read_one(path, preferred, entry)
    parts = [_read_one(shard, preferred, entry) for shard in shards]
    tensors: Tensors = {}
    for part in parts:
        twice = next((name for name in part.found.tensors if name in tensors), None)
        if twice:
            raise TaskError(WEIGHTS, f"the shards of {os.path.basename(path)} have {twice} more than once")
        # Which file a tensor is of is not to be seen in it, so each brings what gives its values.
        tensors.update(
            {name: _Sharded(value.shape, value, part) for name, value in part.found.tensors.items()}
        )
    first = parts[0].found
    return Checkpoint(
        TensorSet(tensors, first.entry, first.others), lambda sharded: sharded.part.tensor(sharded.value)
    )


@dataclass(frozen=True)
class _Sharded:
    """A tensor of one of several files."""

    shape: Tuple[int, ...]
    value: Any
    part: Checkpoint


def _read_one(path: str, preferred: Sequence[str], entry: Optional[str]) -> Checkpoint:
    refuse_pointer(path)
    name = os.path.basename(path)
    if is_safetensors(path) or path.endswith(".safetensors"):
        try:
            tensors = dict(safetensors.torch.load_file(path))
        except (safetensors.SafetensorError, OSError) as error:
            raise TaskError(WEIGHTS, f"{name} cannot be read as safetensors: {error}") from error
        return Checkpoint(choose(tensors, preferred, entry, name), lambda tensor: tensor)
    contents = read(path)
    try:
        found = choose(contents.saved, preferred, entry, name)
    except TaskError:
        raise
    except Exception as error:  # what is pickled may be anything
        raise unreadable(name, error) from error
    return Checkpoint(found, _Values(path, contents).tensor, contents.saved)


class _Values:
    """The values of stored tensors, which stay in the file: what is not asked for takes no memory."""

    def __init__(self, path: str, contents: Contents) -> None:
        self.path, self.contents = path, contents
        self.mapped = torch.UntypedStorage.from_file(path, False, os.path.getsize(path))
        self.last: Tuple[Optional[str], Any] = (None, None)
        """The storage that was asked for last, by its key: what has to be copied is not kept for long."""

    def tensor(self, stored: StoredTensor) -> Any:
        """The tensor ``stored``. Raises TaskError where it lies outside of its storage."""
        dtype, held = getattr(torch, stored.dtype, None), stored.storage
        last = stored.offset + sum((size - 1) * step for size, step in zip(stored.shape, stored.stride))
        width = dtype.itemsize if isinstance(dtype, torch.dtype) else 0
        if not width or (0 not in stored.shape and (last + 1) * width > held.length * held.width):
            raise TaskError(
                WEIGHTS,
                f"{os.path.basename(self.path)} is damaged: it has a tensor of shape {stored.shape} and type "
                f"{stored.dtype} that is not in its storage; fetch it again",
            )
        storage = self._storage(held.key, dtype)[held.start :]
        return torch.empty(0, dtype=dtype).set_(storage, stored.offset, stored.shape, stored.stride)

    def _storage(self, key: str, dtype: Any) -> Any:
        if key != self.last[0]:
            self.last = key, self._read(key, dtype)
        return self.last[1]

    def _read(self, key: str, dtype: Any) -> Any:
        place = self.contents.places[key]
        if not place.size:
            return torch.UntypedStorage(0)
        if place.offset is None:
            with zipfile.ZipFile(self.path) as archive, archive.open(place.member) as stream:
                storage = _storage_of(stream, place.size)
        elif place.offset % ALIGNMENT:
            with open(self.path, "rb") as stream:  # not from what is mapped: that would stay in memory, too
                stream.seek(place.offset)
                storage = _storage_of(stream, place.size)
        else:
            storage = self.mapped[place.offset : place.offset + place.size]
        if self.contents.big_endian:
            storage = storage.clone()
            storage.byteswap(dtype)
        return storage


def _storage_of(stream: Any, size: int) -> Any:
    """A storage of the next ``size`` bytes of ``stream``, a file or a member of an archive."""
    storage = torch.UntypedStorage(size)
    left = memoryview(torch.empty(0, dtype=torch.uint8).set_(storage, 0, (size,), (1,)).numpy())
    while left:
        count = stream.readinto(left)
        if not count:
            raise TaskError(WEIGHTS, f"a file ends {len(left)} bytes before the values of a tensor do")
        left = left[count:]
    return storage


def fit(network: Any, checkpoint: Checkpoint) -> Match:
    """Copy the tensors of ``checkpoint`` into ``network`` and say how they were found.

    Apart from the counters of BatchNorm, they are matched as :func:`pytorch_names.match` has it. Raises
    TaskError, naming tensors that do not fit, otherwise.
    """
    wanted = {name: value for name, value in network.state_dict().items() if not name.endswith(COUNTER)}
    loaded = {name: value for name, value in checkpoint.found.tensors.items() if not name.endswith(COUNTER)}
    found = match(_shapes(loaded), _shapes(wanted))
    with torch.no_grad():
        for (
            ours,
            theirs,
        ) in found.names.items():  # one after the other: together they may take the file's size
            wanted[ours].copy_(checkpoint.tensor(loaded[theirs]))
    return found


def _shapes(tensors: Tensors) -> Dict[str, Tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}


def report(checkpoint: Checkpoint, found: Match) -> Dict[str, Any]:
    """What was taken of a file, as ``protocol.py`` describes it."""
    return {
        "entry": checkpoint.found.entry,
        "other_entries": list(checkpoint.found.others),
        "matched": found.how,
        "prefix": found.prefix,
        "surplus": len(found.surplus),
        "surplus_names": list(found.surplus[:SHOWN]),
    }
