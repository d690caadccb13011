"""Two files whose tensors have the same names: every node of the second on what the first one computes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from parity.diagnosis.difference import Worst, worst
from parity.diagnosis.graphs import Network
from parity.diagnosis.sizes import Facts
from pipeline.diagnosis.findings import (
    Finding,
    Outcome,
    finding_of,
    other_weights,
    rewrite_of,
)
from pipeline.diagnosis.running import DataSets, NotRunError, Runner, Side, given_of, halves, times_of


@dataclass(frozen=True)
class _Checked:
    """A tensor of the second file, computed of what the first one computes; None where it could not be."""

    tensor: str
    worst: Worst | None


@dataclass(frozen=True)
class Pair:
    """Two files and which tensors of theirs are the same."""

    first: Side
    second: Side
    names: Mapping[str, str]
    """Those of the first by those of the second: tensors that nodes make, and inputs."""
    data_sets: DataSets
    """The inputs in the order of the first file's."""
    tolerance: float

    @property
    def title(self) -> str:
        return f"{self.first.title} against {self.second.title}"

    @cached_property
    def facts(self) -> Facts:
        """What is known of the second file's tensors: inference knows less of old opsets."""
        ours = self.first.facts.elements
        elements = {name: ours[other] for name, other in self.names.items() if other in ours}
        return Facts({**elements, **self.second.facts.elements}, self.second.facts.sizes)

    def targets(self) -> list[str]:
        """What is compared, in the order of the second file's nodes."""
        compared, network = self.first.facts.is_compared, self.second.network
        return [name for name in network.tensors if name in self.names and compared(self.names[name])]

    def cuts(self) -> frozenset[str]:
        """Where the second file is given what the first one computes: its inputs, and tensors of floats.

        Lengths and indices it computes itself, as runtimes want to know them beforehand.
        """
        made = {name for name in self.targets() if self.first.facts.is_float(self.names[name])}
        return frozenset({*made, *self.second.network.inputs})


def compare_nodes(pair: Pair, runner: Runner, rewrites: Sequence[str] | None = None) -> Outcome:
    """The first node of the second file that computes something else of what the first file computes.

    An error that arises at one node is seen at that one alone, however it grows behind it. ``rewrites``
    are the lines that tell how the second file was made of the first one, where it was. Raises NotRunError
    where the first file does not run.
    """
    checked = list(_checked(pair, runner))
    wrong = [each for each in checked if each.worst and each.worst.difference.exceeds(pair.tolerance)]
    skipped = sum(each.worst is None for each in checked)
    ran = len(checked) - skipped
    beside = f"; {skipped} more could not be run by themselves" if skipped else ""
    if not wrong:
        return replace(_without_finding(pair, runner, checked), title=pair.title)
    found = wrong[0]
    assert found.worst
    finding = _finding(pair, runner, found.tensor, found.worst)
    finding = replace(
        finding,
        weights=other_weights(finding, pair.first.network),
        others=tuple(pair.second.network.maker(each.tensor).op_type for each in wrong[1:]),
        rewrite="" if rewrites is None else rewrite_of(finding, pair.first.network, rewrites),
    )
    return Outcome(pair.title, finding, f"{ran} tensors were compared{beside}", differs=True)


def _checked(pair: Pair, runner: Runner) -> Iterator[_Checked]:
    cuts = pair.cuts()
    targets, facts = pair.targets(), pair.first.facts
    originals = {pair.names[name]: name for name in targets}
    for batch in facts.batches(list(originals), times_of(pair.data_sets)):
        yield from _check_batch(pair, runner, [originals[name] for name in batch], cuts)


def _needed(network: Network, targets: Sequence[str], cuts: Collection[str]) -> tuple[str, ...]:
    return network.given(network.segment(targets, cuts), cuts)


def _check_batch(
    pair: Pair, runner: Runner, targets: Sequence[str], cuts: Collection[str]
) -> Iterator[_Checked]:
    needed = _needed(pair.second.network, targets, cuts)
    wanted = [pair.names[name] for name in (*targets, *needed)]
    computed = runner.tensors(pair.first, wanted, pair.data_sets)
    values = {
        data_set: {name: tensors[pair.names[name]] for name in (*targets, *needed)}
        for data_set, tensors in computed.items()
    }
    yield from _check(pair, runner, targets, cuts, values)


def _check(
    pair: Pair, runner: Runner, targets: Sequence[str], cuts: Collection[str], values: DataSets
) -> Iterator[_Checked]:
    """Compare ``targets`` with ``values``, all together or, where that does not run, in halves."""
    needed = _needed(pair.second.network, targets, cuts)
    given = {data_set: {name: tensors[name] for name in needed} for data_set, tensors in values.items()}
    part = pair.second.network.part(targets, given_of(needed, given, pair.facts))
    try:
        computed = runner.run(part, pair.second.runtime, given)
    except NotRunError:
        if len(targets) == 1:
            yield _Checked(targets[0], None)
            return
        for half in halves(targets):
            yield from _check(pair, runner, half, cuts, values)
        return
    for name in targets:
        references = {data_set: tensors[name] for data_set, tensors in values.items()}
        candidates = {data_set: tensors[name] for data_set, tensors in computed.items()}
        yield _Checked(name, worst(references, candidates))


def _finding(pair: Pair, runner: Runner, tensor: str, found: Worst) -> Finding:
    """The finding, with what its nodes were given on the data set where it is the worst."""
    needed = _needed(pair.second.network, [tensor], pair.cuts())
    wanted = [pair.names[name] for name in (tensor, *needed)]
    some = {found.data_set: pair.data_sets[found.data_set]}
    values = runner.tensors(pair.first, wanted, some)[found.data_set]
    given = {name: values[pair.names[name]] for name in needed}
    reference = pair.names[tensor]
    return finding_of(pair.second, tensor, reference, given, values[reference], found)


def _without_finding(pair: Pair, runner: Runner, checked: Sequence[_Checked]) -> Outcome:
    """Nothing arises at any node: whether the outputs agree all the same, and what is the most."""
    compared = [each for each in checked if each.worst]
    skipped = len(checked) - len(compared)
    beside = f", and {skipped} could not be run by themselves" if skipped else ""
    outputs = outputs_apart(pair, runner)
    if not compared and outputs is None:
        return Outcome("", None, f"no tensor could be compared{beside}", differs=True)
    largest = max(
        compared, key=lambda each: each.worst.difference.relative if each.worst else 0, default=None
    )
    most = ""
    if largest and largest.worst:
        node = pair.second.network.maker(largest.tensor)
        most = f"; the most is at {largest.tensor!r} ({node.op_type}): {largest.worst.difference.text}"
    if outputs is None:
        return Outcome("", None, f"{len(compared)} tensors do not differ{beside}{most}", differs=False)
    return Outcome(
        "",
        None,
        f"the outputs differ on {outputs.data_set}: {outputs.difference.text}; but no node is beyond "
        f"{pair.tolerance:g} on what the reference computes, so that the error is one of many small ones, "
        f"or of one that grows{beside}{most}",
        differs=True,
    )


def outputs_apart(pair: Pair, runner: Runner) -> Worst | None:
    """How far the outputs are apart where each file runs by itself; None where they are not."""
    names = [name for name in pair.second.network.outputs if name in pair.names]
    ours = runner.tensors(pair.first, [pair.names[name] for name in names], pair.data_sets)
    theirs = runner.tensors(pair.second, names, in_order_of(pair))
    apart = [
        worst(
            {data_set: tensors[pair.names[name]] for data_set, tensors in ours.items()},
            {data_set: tensors[name] for data_set, tensors in theirs.items()},
        )
        for name in names
    ]
    wrong = [each for each in apart if each.difference.exceeds(pair.tolerance)]
    return wrong[0] if wrong else None


def in_order_of(pair: Pair) -> DataSets:
    """The data sets with their inputs in the order of the second file's."""
    return {
        name: {
            theirs: pair.first.input_named(inputs)[pair.names[theirs]]
            for theirs in pair.second.network.inputs
        }
        for name, inputs in pair.data_sets.items()
    }
