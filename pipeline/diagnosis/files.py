"""Two files of any origin: by the names of their tensors, or by their values, order and shape."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from opsets import read_graph
from parity.diagnosis.graphs import Network
from parity.diagnosis.matching import ports, same_names
from pipeline.diagnosis.by_name import Pair, compare_nodes, in_order_of, outputs_apart
from pipeline.diagnosis.by_value import Layer, Matching, compare_layers, read_array
from pipeline.diagnosis.findings import Outcome
from pipeline.diagnosis.running import NotRunError, Runner, Side, Tensors, runtime_for, side
from pipeline.equivalence.graphs import Graph, common_inputs, matched_outputs, with_input_of
from pipeline.equivalence.inputs import Inputs, made_inputs, read_inputs
from pipeline.errors import UsageError


def inputs_of(first: Graph, second: Graph, arrays: Path | None) -> Inputs:
    """The inputs of both: those of an .npz file, or such as are made for them, as ``compare`` has them.

    Raises UsageError and PipelineError as it does.
    """
    second, _ = with_input_of(first, second)
    common = common_inputs(first, second)
    matched_outputs(first, second)
    if not common:
        raise UsageError(f"{first.path} and {second.path} have no inputs: nothing can be given to them.")
    return read_inputs(arrays, common) if arrays else made_inputs(common, {**second.rows, **first.rows})


def diagnose_files(first: Graph, second: Graph, inputs: Inputs, tolerance: float, runner: Runner) -> Outcome:
    """Where the second file computes something else than the first one, each in the runtime for its opset.

    Raises PipelineError where one of them does not run, and UsageError where they have no tensors to compare.
    """
    data_sets = {
        name: {port.name: arrays[port.name] for port in first.inputs}
        for name, arrays in inputs.data_sets.items()
    }
    one, other = Network(read_graph(first.path)), Network(read_graph(second.path))
    if not (one.tensors and other.tensors):
        raise UsageError(f"{first.path} and {second.path} have no tensors that could be compared.")
    ours = side(str(first.path), one, runtime_for(first.opset), data_sets)
    ends = ports(one.outputs, other.outputs)
    entries = ports(one.inputs, other.inputs)
    common = same_names(one, other)
    reordered = {
        name: {there: arrays[here] for there, here in entries.items()} for name, arrays in data_sets.items()
    }
    theirs = side(str(second.path), other, runtime_for(second.opset), reordered)
    pair = _that_runs(Pair(ours, theirs, {**common, **ends, **entries}, data_sets, tolerance), inputs, runner)
    if common:
        return compare_nodes(pair, runner)
    return by_value(pair, runner)


def _that_runs(pair: Pair, inputs: Inputs, runner: Runner) -> Pair:
    """The pair on all data sets, or where the first file takes a batch of 1 alone on those."""
    try:
        runner.tensors(pair.first, pair.first.network.outputs, pair.data_sets)
    except NotRunError:
        if not inputs.smaller:
            raise
        few = replace(pair, data_sets={name: pair.data_sets[name] for name in inputs.smaller})
        runner.tensors(few.first, few.first.network.outputs, few.data_sets)
        return few
    return pair


def by_value(pair: Pair, runner: Runner) -> Outcome:
    """The same where names do not tell: on the data set on which the outputs are furthest apart."""
    apart = outputs_apart(pair, runner)
    if apart is None:
        return Outcome(pair.title, None, "the outputs do not differ", differs=False)
    inputs = pair.data_sets[apart.data_set]
    layers = _layers(pair.first, inputs, runner)
    places = {layer.name: place for place, layer in enumerate(layers)}
    ends = {
        theirs: places[pair.names[theirs]]
        for theirs in pair.second.network.outputs
        if pair.names[theirs] in places
    }
    reordered = in_order_of(pair)[apart.data_set]
    matching = Matching(pair.second, layers, ends, apart.data_set, reordered, pair.tolerance, pair.title)
    return compare_layers(matching, runner)


def _layers(first: Side, inputs: Tensors, runner: Runner) -> list[Layer]:
    """What the nodes of a file compute, those that are compared, each array in a file."""
    names = [name for name in first.network.tensors if first.facts.is_float(name)]
    layers = list[Layer]()
    for batch in first.facts.batches(names, 1.0):
        computed = runner.tensors(first, batch, {"": inputs})[""]
        for name in batch:
            array = computed[name]
            if array.dtype.kind != "f":
                continue
            path = runner.folder / f"layer-{len(layers)}.npy"
            np.save(path, array, allow_pickle=False)
            layers.append(
                Layer(name, first.network.maker(name).op_type, array.shape, partial(read_array, path))
            )
    return layers
