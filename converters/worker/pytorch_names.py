"""Which tensor of a checkpoint belongs to which of a network, where training has added to the names.

Standard library only. What wraps a network while it is trained puts a prefix before every name, and adds
tensors of its own: DataParallel, torch.compile, Lightning, an average of the weights. So the names of a
network are looked for behind one prefix that all share, and what is left is passed over if it is no layer.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Dict, List, Set, Tuple

from checkpoints import SHOWN, Shapes, matching, misfit
from protocol import WEIGHTS, TaskError

WRAPPERS = ("_orig_mod", "model", "module", "net", "network")
"""What torch.compile, Lightning, DataParallel and people call the network inside of another."""
NUMBER, DOT = re.compile(r"\d+"), re.compile(r"\.")


@dataclass(frozen=True)
class Match:
    """How the tensors of a file were found."""

    names: Dict[str, str]
    """The name in the file of every tensor that is needed."""
    how: str
    """``by name`` or ``in order``."""
    prefix: str = ""
    """What stands before each name in the file."""
    surplus: Tuple[str, ...] = ()
    """The names in the file of all that is not needed."""


def match(loaded: Shapes, wanted: Shapes) -> Match:
    """Find every wanted tensor in ``loaded``: by name behind a prefix, else in order, as ``matching`` has it.

    Others may be left over only by name, and only where none is another layer of the kind that the network
    is made of. Raises TaskError, naming tensors, where some do not fit, or where they fit behind several
    prefixes.
    """
    counts = _prefixes(loaded, wanted)
    whole = [prefix for prefix, count in counts.items() if count == len(wanted)]
    fitting = [prefix for prefix in whole if all(loaded[prefix + name] == wanted[name] for name in wanted)]
    if fitting:
        prefix = _preferred(fitting)
        names = {name: prefix + name for name in wanted}
        used = set(names.values())
        surplus = tuple(name for name in loaded if name not in used)
        _require_no_layers(prefix, surplus, wanted)
        return Match(names, "by name", prefix, surplus)
    if whole:
        prefix = _preferred(whole)
        raise misfit({name: loaded[prefix + name] for name in wanted}, wanted)
    nearest = max(counts, key=lambda prefix: (counts[prefix], -len(prefix)), default="")
    given = {_without(nearest, name): name for name in loaded}
    if len(given) < len(loaded):
        given = {name: name for name in loaded}
    shapes = {bare: loaded[name] for bare, name in given.items()}
    if counts.get(nearest, 0) > len(wanted) / 2:  # the names are the network's own: their order is no excuse
        raise misfit(shapes, wanted)
    matched, how = matching(shapes, wanted)
    return Match({ours: given[theirs] for ours, theirs in matched.items()}, how)


def _prefixes(loaded: Shapes, wanted: Shapes) -> Dict[str, int]:
    """How many of the wanted names ``loaded`` has behind each prefix, which is empty or ends with a dot."""
    counts: Dict[str, int] = Counter()
    for name in loaded:
        for position in (0, *(dot.end() for dot in DOT.finditer(name))):
            if name[position:] in wanted:
                counts[name[:position]] += 1
    return counts


def _preferred(prefixes: List[str]) -> str:
    """The one prefix that means the network itself. Raises TaskError where several could."""
    by_rank: Dict[int, List[str]] = {}
    for prefix in prefixes:
        known = set(prefix.split(".")[:-1]) <= set(WRAPPERS)
        by_rank.setdefault(0 if not prefix else 1 if known else 2, []).append(prefix)
    best = by_rank[min(by_rank)]
    if len(best) > 1:
        listed = ", ".join(prefix.rstrip(".") for prefix in best[:SHOWN])
        raise TaskError(
            WEIGHTS,
            f"the file holds {len(best)} networks that fit the model, by the beginnings {listed} of their "
            "names: say which one in the pipeline file, as weights: {file: ..., entry: BEGINNING}, or "
            "KEY.BEGINNING where they lie under a key",
        )
    return best[0]


def _require_no_layers(prefix: str, surplus: Tuple[str, ...], wanted: Shapes) -> None:
    """Raise TaskError where ``surplus`` has layers like those of the network: the file is of a deeper one."""
    kinds: Set[str] = {NUMBER.sub("#", name) for name in wanted}
    layers = [
        name for name in surplus if name.startswith(prefix) and NUMBER.sub("#", name[len(prefix) :]) in kinds
    ]
    if layers:
        raise TaskError(
            WEIGHTS,
            f"the weights do not fit the model: every tensor that it needs is there, and {len(layers)} more "
            f"of layers like its own: {', '.join(layers[:SHOWN])}. The file was made for a deeper network: "
            "name that one as the model",
        )


def _without(prefix: str, name: str) -> str:
    return name[len(prefix) :] if name.startswith(prefix) else name
