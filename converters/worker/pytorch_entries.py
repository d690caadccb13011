"""Which of the sets of tensors in a checkpoint are a network's weights. Standard library only.

Training scripts keep several beside each other: the network, an average of it over its last steps, a loss
with weights of its own. A set is a dict of tensors by name, or a whole network as ``torch.save`` pickles it.
An entry is where it lies, as keys joined by dots: ``model_ema``, ``ema.shadow``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Deque, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from protocol import WEIGHTS, TaskError
from pytorch_pickles import Record

USUAL = ("state_dict", "model_state_dict", "model", "net", "network", "module")
"""Under which people keep a network where no framework says so, the plainest first."""
DEEPEST = 3
"""Keys that lead to a set."""
MOST_PARTS = 100_000
"""Modules and tensors of a pickled network: one that holds itself would have no end of them."""
SHOWN = 6

Tensors = Dict[str, Any]
"""By name; each has a ``shape``."""


@dataclass(frozen=True)
class TensorSet:
    """One set of the tensors in a file."""

    tensors: Tensors
    entry: str
    """Where it lies in the file; empty where it is the whole file."""
    others: Tuple[str, ...]
    """The entries of the other sets that could have been taken."""


def choose(saved: Any, preferred: Sequence[str], entry: Optional[str], file: str) -> TensorSet:
    """The set of ``saved`` under ``entry``, or else the one that its framework would load.

    ``preferred`` are the keys that the framework's own loader looks for, the first that is there counts; then
    come those of :data:`USUAL`, and then the only set that there is. Raises TaskError where ``entry`` is not
    there, or no or several sets are.
    """
    found = dict(_sets(saved))
    if entry is not None:
        taken = _named(saved, entry)
        if taken is None:
            raise TaskError(WEIGHTS, f"{file} has no entry {entry!r} with tensors: {_listed(found)}")
        where, tensors = _inner(entry, taken, preferred, file)
    else:
        where, tensors = _inner("", saved, preferred, file)
    return TensorSet(tensors, where, tuple(name for name in found if name and name != where))


def _inner(where: str, value: Any, preferred: Sequence[str], file: str) -> Tuple[str, Tensors]:
    """The set that ``value``, which lies at ``where``, is or holds."""
    items = _items(value)
    for key in (*preferred, *USUAL):
        if key in items and next(_sets(items[key]), None):
            return _inner(_below(where, key), items[key], preferred, file)
    own, found = tensors_of(value), dict(_sets(value))
    nested = [name for name in found if name]
    if own and all(len(own) >= len(found[name]) for name in nested):
        return where, own
    if len(nested) == 1:
        return _below(where, nested[0]), found[nested[0]]
    if found:
        names = [_below(where, name) for name in nested]
        raise TaskError(
            WEIGHTS,
            f"{file} holds several sets of tensors, and no key says which is the network: say it in the "
            f"pipeline file, as weights: {{file: ..., entry: {names[0]}}}. It has {_some(names)}",
        )
    raise TaskError(
        WEIGHTS,
        f"{file} holds no tensors by name: it is {_described(value)}. Save the network's state_dict()",
    )


def tensors_of(value: Any) -> Tensors:
    """The tensors of a set by name; none where ``value`` is no set."""
    if isinstance(value, Record) and _is_module(value):
        return dict(_of_module(value))
    return {
        name: tensor for name, tensor in _items(value).items() if isinstance(name, str) and _is_tensor(tensor)
    }


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "shape")


def _items(value: Any) -> Dict[Any, Any]:
    """Those of a dict, of whatever class."""
    if isinstance(value, Record):
        return value.items
    return value if isinstance(value, dict) else {}


def _attributes(module: Record) -> Dict[Any, Any]:
    return module.state if isinstance(module.state, dict) else {}


def _is_module(value: Any) -> bool:
    """Whether it is a ``torch.nn.Module``, which keeps what it consists of in these attributes."""
    return isinstance(value, Record) and {"_parameters", "_modules"} <= _attributes(value).keys()


def _of_module(module: Record) -> Iterator[Tuple[str, Any]]:
    """The tensors of a pickled network by the names, and in the order, of its ``state_dict()``."""
    count = 0
    todo: List[Tuple[str, Any]] = [("", module)]
    while todo:
        prefix, current = todo.pop()
        attributes = _attributes(current)
        passing = _members(attributes, "_non_persistent_buffers_set")
        named = {**_items(attributes["_parameters"]), **_items(attributes.get("_buffers"))}
        inner = [(name, part) for name, part in _items(attributes["_modules"]).items() if _is_module(part)]
        count += len(named) + len(inner)
        if count > MOST_PARTS:
            raise ValueError(f"it holds a network of more than {MOST_PARTS} parts, such as one within itself")
        for name, tensor in named.items():
            if _is_tensor(tensor) and name not in passing:
                yield f"{prefix}{name}", tensor
        todo += [(f"{prefix}{name}.", part) for name, part in reversed(inner)]


def _members(attributes: Dict[Any, Any], name: str) -> Set[Any]:
    members = attributes.get(name)
    return members if isinstance(members, set) else set()


def _sets(saved: Any) -> Iterator[Tuple[str, Tensors]]:
    """All sets below ``saved`` with their entries, each once; an optimiser's, by numbers, are none."""
    seen: Set[int] = set()
    todo: Deque[Tuple[str, Any, int]] = deque([("", saved, 0)])
    while todo:
        where, value, depth = todo.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        tensors = tensors_of(value)
        if tensors:
            yield where, tensors
        if depth < DEEPEST:
            for name, part in _items(value).items():
                if isinstance(name, str) and isinstance(part, (dict, Record)):
                    todo.append((_below(where, name), part, depth + 1))


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _named(value: Any, entry: str) -> Any:
    """What is at ``entry``: under keys joined by dots, or all tensors whose names begin with it; or None."""
    items = _items(value)
    if entry in items and next(_sets(items[entry]), None):
        return items[entry]
    for key in items:
        if isinstance(key, str) and entry.startswith(key + "."):
            found = _named(items[key], entry[len(key) + 1 :])
            if found is not None:
                return found
    beginning = f"{entry}."
    named = {
        name[len(beginning) :]: tensor
        for name, tensor in tensors_of(value).items()
        if name.startswith(beginning)
    }
    return named or None


def _listed(found: Dict[str, Tensors]) -> str:
    names = [name for name in found if name]
    return f"it has {_some(names)}" if names else "it is one set by itself, so leave `entry` out"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _described(value: Any) -> str:
    """What there is instead of a set of tensors."""
    items = _items(value)
    if items:
        what = {key: f" (a {part.name})" for key, part in items.items() if isinstance(part, Record)}
        keys = sorted(f"{key}{what.get(key, '')}" for key in items)
        return f"a dict with the keys {', '.join(keys)[:200]}"
    return f"a {value.name if isinstance(value, Record) else type(value).__name__}"
