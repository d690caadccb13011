"""One file in two runtimes, or with its graph optimised and as it stands there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from parity.diagnosis.difference import Worst, worst
from pipeline.diagnosis.by_name import Pair, compare_nodes, outputs_apart
from pipeline.diagnosis.findings import Outcome, finding_of
from pipeline.diagnosis.running import (
    DataSets,
    NotRunError,
    Runner,
    Side,
    given_of,
    titled,
)


def compare_runtimes(
    first: Side, runtime: str, data_sets: DataSets, tolerance: float, runner: Runner
) -> Outcome:
    """Where ``runtime`` computes something else than the one of ``first``, and what of.

    Nodes are asked one by one; where none by itself shows it, and the runtime has made one of several, the
    smallest range of nodes that does.
    """
    second = replace(first, title=titled(runtime), runtime=runtime)
    names = {name: name for name in (*first.network.tensors, *first.network.inputs)}
    pair = Pair(replace(first, title=titled(first.runtime)), second, names, data_sets, tolerance)
    try:
        apart = outputs_apart(pair, runner)
    except NotRunError as error:
        return Outcome(pair.title, None, str(error), differs="unsupported" not in str(error))
    if apart is None:
        return Outcome(pair.title, None, "the outputs do not differ", differs=False)
    outcome = compare_nodes(pair, runner)
    return outcome if outcome.finding else smallest_range(pair, runner) or outcome


def smallest_range(pair: Pair, runner: Runner) -> Outcome | None:
    """The first tensor that differs where the file runs by itself, and the fewest nodes that show it.

    Of the graph, only what leads to the tensor is run, and no other output is asked for, as outputs keep
    nodes apart. Errors are taken to stay, so that the first tensor is found by halving. None where
    nothing but the whole graph shows it.
    """
    targets = [name for name in pair.targets() if pair.first.facts.is_float(pair.names[name])]
    low, high = 0, len(targets) - 1
    while low < high:
        middle = (low + high) // 2
        shown = _shown(pair, runner, targets[middle], pair.second.network.inputs)
        low, high = (low, middle) if shown else (middle + 1, high)
    tensor, depth = targets[low], 1
    while True:
        cuts = _behind(pair, tensor, depth)
        found = _shown(pair, runner, tensor, cuts)
        if found:
            return _outcome(pair, runner, tensor, cuts, found)
        if len(cuts) == len(pair.second.network.inputs):
            return None
        depth *= 2


def _behind(pair: Pair, tensor: str, depth: int) -> frozenset[str]:
    """Where to cut so that ``depth`` nodes, one behind the other, lead to ``tensor``."""
    network = pair.second.network
    inside, edge = set[str](), {tensor}
    for _ in range(depth):
        places = [network.makers[name] for name in edge if name in network.makers]
        inside |= edge
        edge = {name for name in network.reads(places) if name in network.makers}
    cuts = pair.cuts()
    if edge <= inside | network.constant:
        return frozenset(network.inputs)
    return cuts - inside


def _values(pair: Pair, runner: Runner, tensor: str, cuts: Collection[str]) -> DataSets:
    network = pair.second.network
    needed = network.given(network.segment([tensor], cuts), cuts)
    computed = runner.tensors(pair.first, [tensor, *needed], pair.data_sets)
    return {name: {each: tensors[each] for each in (tensor, *needed)} for name, tensors in computed.items()}


def _shown(pair: Pair, runner: Runner, tensor: str, cuts: Collection[str]) -> Worst | None:
    """How far ``tensor`` is apart where its nodes are given the tensors ``cuts``; None where it is not."""
    values = _values(pair, runner, tensor, cuts)
    given = _without(values, tensor)
    names: Sequence[str] = [*next(iter(given.values()))]
    part = pair.second.network.part([tensor], given_of(names, given, pair.facts))
    try:
        computed = runner.run(part, pair.second.runtime, given)
    except NotRunError:
        return None
    found = worst(
        {name: tensors[tensor] for name, tensors in values.items()},
        {name: tensors[tensor] for name, tensors in computed.items()},
    )
    return found if found.difference.exceeds(pair.tolerance) else None


def _without(values: DataSets, tensor: str) -> DataSets:
    return {
        name: {each: array for each, array in tensors.items() if each != tensor}
        for name, tensors in values.items()
    }


def _outcome(pair: Pair, runner: Runner, tensor: str, cuts: Collection[str], found: Worst) -> Outcome:
    some = replace(pair, data_sets={found.data_set: pair.data_sets[found.data_set]})
    [values] = _values(some, runner, tensor, cuts).values()
    given = {name: array for name, array in values.items() if name != tensor}
    finding = finding_of(pair.second, tensor, tensor, given, values[tensor], found)
    return Outcome(pair.title, finding, "no node by itself shows it, this range of nodes does", differs=True)
