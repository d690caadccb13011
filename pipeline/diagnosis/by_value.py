"""A file beside the layers of a network of another form: matched by values, then by order and shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from parity.diagnosis.difference import Difference, Values, Worst, difference
from parity.diagnosis.matching import (
    Described,
    Fingerprint,
    are_equal,
    fingerprint,
    in_order,
    unexplained,
)
from pipeline.diagnosis.findings import Outcome, computed_of, finding_of
from pipeline.diagnosis.running import NotRunError, Runner, Side, Tensors, given_of


@dataclass(frozen=True)
class Layer:
    """What one layer of the reference has answered with."""

    name: str
    kind: str
    """Of the layer, such as ``Conv2d``, or its operator."""
    shape: tuple[int, ...]
    read: Callable[[], Values]


def read_array(path: Path) -> Values:
    """The array in a ``.npy`` file, of which only what is looked at comes into memory."""
    array: Values = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


@dataclass
class Matching:
    """A file, the layers of its reference in the order in which they ran, and what is the same in both."""

    second: Side
    layers: Sequence[Layer]
    ends: Mapping[str, int]
    """The positions among the layers of what the outputs of the file are held against."""
    data_set: str
    inputs: Tensors
    """In the order of the file's."""
    tolerance: float
    title: str
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of all tensors of the file."""
    good: dict[str, int] = field(default_factory=dict)
    """The tensors of the file that are right where they are made of right ones, by the layers' positions."""

    def value(self, tensor: str, layer: int) -> Values:
        """What the reference computed of a tensor, in the shape that it has in the file."""
        return self.layers[layer].read().reshape(self.shapes[tensor])

    def given(self, targets: Sequence[str]) -> dict[str, Values]:
        """What the nodes behind the good tensors are given, as the reference computed it."""
        network, inputs = self.second.network, self.second.input_named(self.inputs)
        cuts = {*self.good, *inputs}
        names = network.given(network.segment(targets, cuts), cuts)
        return {
            name: self.value(name, self.good[name]) if name in self.good else inputs[name] for name in names
        }


def compare_layers(matching: Matching, runner: Runner) -> Outcome:
    """The first tensor of the file that its nodes make otherwise than a layer of the reference.

    Tensors with the values of a layer are where the file is right so far. Between them and the outputs, the
    layers whose values are nowhere in the file are matched with its tensors by order and shape. What is
    another one only because of what it is made of is right from there on. Raises NotRunError where the file
    does not run.
    """
    same, largest = _match_values(matching, runner)
    while True:
        left = [
            name for name in unexplained(matching.second.network, matching.good) if name in matching.shapes
        ]
        if not left:
            break
        found = _next(matching, left)
        if found is None:
            text = f"nothing between what is the same and the outputs has its like in the reference; {same}"
            return Outcome(matching.title, None, text, differs=True)
        tensor, layer = found
        given = matching.given([tensor])
        apart = _apart(matching, runner, tensor, layer, given)
        if not apart.exceeds(matching.tolerance):
            matching.good[tensor] = layer
        elif other := _elsewhere(matching, runner, left, layer):
            matching.good[other] = layer
        else:
            worst = Worst(matching.data_set, apart)
            expected = matching.layers[layer]
            name = f"{expected.name} ({expected.kind})"
            value = matching.value(tensor, layer) if _fits(matching, tensor, layer) else expected.read()
            finding = finding_of(matching.second, tensor, name, given, value, worst)
            return Outcome(matching.title, finding, same, differs=True)
    if not largest.exceeds(matching.tolerance):
        return Outcome(
            matching.title, None, f"the outputs do not differ: {largest.text}; {same}", differs=False
        )
    return Outcome(
        matching.title,
        None,
        f"the outputs differ: {largest.text}; but nothing is beyond {matching.tolerance:g} on what the "
        f"reference computes, so that the error is one of many small ones, or of one that grows; {same}",
        differs=True,
    )


def _match_values(matching: Matching, runner: Runner) -> tuple[str, Difference]:
    """Find the good tensors of the file as it runs by itself; how many, and how far its outputs are apart."""
    network, facts = matching.second.network, matching.second.facts
    fingerprints = [fingerprint(layer.read()) for layer in matching.layers]
    ends, largest = set(matching.ends.values()), Difference(0.0, "all values are equal")
    floats = [name for name in network.tensors if facts.is_float(name)]
    for batch in facts.batches(floats, 1.0):
        computed = runner.tensors(matching.second, batch, {matching.data_set: matching.inputs})
        for name in batch:
            array = computed[matching.data_set][name]
            if array.dtype.kind != "f":
                continue
            matching.shapes[name] = array.shape
            if name in matching.ends:
                apart = difference(matching.layers[matching.ends[name]].read(), array)
                largest = max(largest, apart, key=lambda each: each.relative)
                found = None if apart.exceeds(matching.tolerance) else matching.ends[name]
            else:
                found = _layer_like(matching, fingerprints, array, ends)
            if found is not None:
                matching.good[name] = found
    same = f"{len(set(matching.good.values()))} of {len(matching.layers)} layers are in the file as they are"
    return same, largest


def _layer_like(
    matching: Matching, fingerprints: Sequence[Fingerprint], array: Values, ends: set[int]
) -> int | None:
    """The first layer with the values of ``array``."""
    own = fingerprint(array)
    for place, layer in enumerate(matching.layers):
        if place in ends or not fingerprints[place].is_near(own, matching.tolerance):
            continue
        if are_equal(layer.read(), array, matching.tolerance):
            return place
    return None


def _next(matching: Matching, left: Sequence[str]) -> tuple[str, int] | None:
    """The first of the tensors ``left`` that fits a layer which ran after all that it is made of."""
    used, ends = set(matching.good.values()), set(matching.ends.values())
    least = _ran_before(matching, left[0])
    places = [
        place for place in range(least + 1, len(matching.layers)) if place not in used and place not in ends
    ]
    inner = [name for name in left if name not in matching.ends]
    layers = [Described(matching.layers[place].kind, matching.layers[place].shape) for place in places]
    network = matching.second.network
    tensors = [Described(network.maker(name).op_type, matching.shapes[name]) for name in inner]
    for layer, tensor in in_order(layers, tensors):
        if places[layer] > _ran_before(matching, inner[tensor]):
            return inner[tensor], places[layer]
    return next(((name, matching.ends[name]) for name in left if name in matching.ends), None)


def _ran_before(matching: Matching, tensor: str) -> int:
    """The last of the layers that the nodes which make ``tensor`` are given; -1 for inputs alone."""
    return max(
        (matching.good[name] for name in matching.given([tensor]) if name in matching.good), default=-1
    )


def _fits(matching: Matching, tensor: str, layer: int) -> bool:
    return Described("", matching.shapes[tensor]).size == Described("", matching.layers[layer].shape).size


def _apart(matching: Matching, runner: Runner, tensor: str, layer: int, given: Tensors) -> Difference:
    computed = computed_of(runner, matching.second, tensor, given, matching.data_set)
    expected = (
        matching.value(tensor, layer) if _fits(matching, tensor, layer) else matching.layers[layer].read()
    )
    return difference(expected, computed)


def _elsewhere(matching: Matching, runner: Runner, left: Sequence[str], layer: int) -> str | None:
    """Another tensor that has the values of a layer once all before it is right, where there is one."""
    names = [name for name in left if _fits(matching, name, layer)]
    if not names:
        return None
    given = matching.given(names)
    part = matching.second.network.part(
        names, given_of([*given], {matching.data_set: given}, matching.second.facts)
    )
    try:
        computed = runner.run(part, matching.second.runtime, {matching.data_set: given})[matching.data_set]
    except NotRunError:
        return None
    value = matching.layers[layer].read()
    equal = (name for name in names if are_equal(value, computed[name], matching.tolerance))
    return next(equal, None)
