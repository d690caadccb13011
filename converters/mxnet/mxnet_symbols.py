"""Folders with a network of one's own: a ``*-symbol.json`` and the ``*.params`` that belong to it.

``HybridBlock.export`` of Gluon and ``mx.model.save_checkpoint`` write such pairs. Whoever wrote one is not
believed: only operators that have a translation to ONNX are run, so that none reads files or calls Python.
"""

from __future__ import annotations

import glob
import json
import os
from typing import Any, Dict, NamedTuple

import mxnet as mx
import mxnet.onnx
import numpy as np
from mxnet.onnx.mx2onnx._export_onnx import MXNetGraph

from checkpoints import SHOWN, refuse_pointer
from chosen_output import Asked, Port, choose, said_of
from gluon_weights import read_file
from protocol import MODEL, WEIGHTS, TaskError

TRAINING_HEADS = ("SoftmaxOutput", "Softmax")
"""Operators that take a label beside the logits, for the loss; the latter is the former's old name."""
ANSWERS = {"softmax": "probabilities", "log_softmax": "logarithms of probabilities"}
"""What comes out of the operators that turn logits into something else."""


class Folder:
    """The files of one network."""

    def __init__(self, path: str) -> None:
        """Find them in the folder ``path``; TaskError where one is missing or there are several."""
        self.symbol = _only(path, "*-symbol.json", MODEL)
        self.parameters = _only(path, "*.params", WEIGHTS)
        for file in (self.symbol, self.parameters):
            refuse_pointer(file)


def _only(folder: str, pattern: str, kind: str) -> str:
    found = sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))
    if len(found) != 1:
        names = f": {', '.join(map(os.path.basename, found))}" if found else ""
        raise TaskError(
            kind,
            f"{folder} holds {len(found)} files {pattern}{names}; it needs one NAME-symbol.json and one "
            "NAME-0000.params, as HybridBlock.export writes them",
        )
    return found[0]


class SymbolNetwork(NamedTuple):
    """A network of a folder with its weights."""

    block: Any
    """A Gluon block that answers to pictures."""
    answers: str
    """What it answers with, for the record."""
    surplus: list[str]
    """Names of arrays in the file that no operator needs."""
    output: Dict[str, Any]
    """What is said of the output that is taken, where there are several."""


def load(folder: Folder, shape: tuple[int, ...], output: Asked = None) -> SymbolNetwork:
    """The network in ``folder`` for pictures of the shape (N, C, H, W), with the output that is asked for.

    Raises TaskError where its files are damaged or do not belong together, where it has not one input, or
    several outputs and nobody says which, and, before anything of it runs, where an operator has no
    translation to ONNX.
    """
    whole, tensors = _read_symbol(folder.symbol), read_file(folder.parameters)
    ports = _ports(whole, tensors, shape)
    position = choose(ports, output, os.path.basename(folder.symbol))
    symbol, answers = _without_training_head(whole[position] if len(ports) > 1 else whole)
    needed = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    inputs = [name for name in needed if name not in tensors]
    if len(inputs) != 1:
        raise TaskError(MODEL, _wrong_inputs(folder, inputs))
    shapes = _shapes(folder, symbol, inputs[0], shape)
    given = {name: tuple(tensors[name].shape) for name in needed if name in tensors}
    wanted = {name: shapes[name] for name in given}
    if given != wanted:
        raise TaskError(WEIGHTS, _misfit(folder, given, wanted))
    block = mx.gluon.SymbolBlock(symbol, [mx.sym.var(inputs[0])])
    for name, parameter in block.collect_params().items():
        parameter.shape = wanted[name]
        parameter.grad_req = "null"  # nothing is trained
        parameter.initialize(mx.init.Zero())
        parameter.data()[:] = tensors[name].astype(np.float32, copy=False)
    surplus = [name for name in tensors if name not in given]
    return SymbolNetwork(block, answers, surplus, said_of(ports, position))


def _ports(symbol: Any, tensors: Any, shape: tuple[int, ...]) -> list[Port]:
    """The outputs of ``symbol``, with their shapes where they follow from those of its first input."""
    names = symbol.list_outputs()
    data = next((name for name in symbol.list_arguments() if name not in tensors), None)
    try:
        _, shapes, _ = symbol.infer_shape_partial(**({data: shape} if data else {}))
    except mx.MXNetError:
        shapes = None  # why not is said of the output that is taken
    return [
        Port(name, f"of shape {tuple(each)}" if each else "of a shape that is not known")
        for name, each in zip(names, shapes or [None] * len(names), strict=True)
    ]


def learned_of(block: Any) -> list[Any]:
    """The parameters of a network that are learned: all but the statistics of batch normalisations."""
    statistics = set(block(mx.sym.var("data")).list_auxiliary_states())
    return [parameter for name, parameter in block.collect_params().items() if name not in statistics]


def _read_symbol(path: str) -> Any:
    """The symbol in the file ``path``, of known operators."""
    name = os.path.basename(path)
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
        _require_known(content, name)
        symbol = mx.sym.load(path)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, mx.MXNetError) as error:
        raise TaskError(
            MODEL,
            f"{name} cannot be read as a symbol of MXNet's: {type(error).__name__}: "
            f"{str(error).strip().splitlines()[-1] if str(error).strip() else 'nothing more is said'}. "
            "Export it again",
        ) from error
    return symbol


def _require_known(content: Any, name: str) -> None:
    """Raise TaskError for operators without a translation, ValueError for nodes that are not in order."""
    nodes, heads = content["nodes"], content["heads"]
    translated = set().union(*MXNetGraph.registry_.values()) | set(TRAINING_HEADS)
    unknown = sorted({str(node["op"]) for node in nodes} - translated)
    if unknown or any(node.get("subgraphs") for node in nodes):
        shown = ", ".join(unknown) or "operators with graphs of their own"
        raise TaskError(
            MODEL, f"{name} holds {shown:.200}: these operators have no translation to ONNX, and are not run"
        )
    for position, node in enumerate(nodes):
        if any(not 0 <= source[0] < position for source in node["inputs"]):
            raise ValueError(f"node {position} takes what comes after it")
    if any(not 0 <= head[0] < len(nodes) for head in heads):
        raise ValueError("an output is of no node")


def _without_training_head(symbol: Any) -> tuple[Any, str]:
    """``symbol`` as it is used when nothing is trained, and what it answers with."""
    operator = json.loads(symbol.tojson())["nodes"][-1]["op"]
    if operator in TRAINING_HEADS:
        return symbol.get_children()[0], f"without {operator}, which takes labels: it answers with logits"
    if operator in ANSWERS:
        return symbol, f"with its {operator}: it answers with {ANSWERS[operator]}"
    return symbol, "it answers with logits"


def _wrong_inputs(folder: Folder, inputs: list[str]) -> str:
    """What is said of a symbol that does not take one array beside those of its file of parameters."""
    symbol, parameters = os.path.basename(folder.symbol), os.path.basename(folder.parameters)
    if not inputs:
        return f"{symbol} takes no pictures: {parameters} holds everything that its operators take"
    return (
        f"{symbol} takes {len(inputs)} arrays that {parameters} does not hold ({', '.join(inputs[:SHOWN])}"
        f"{', ...' if len(inputs) > SHOWN else ''}); a classifier of pictures takes one. Either these are "
        "inputs, or the parameters are those of another network: put the right file beside it"
    )


def _misfit(folder: Folder, given: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]) -> str:
    """What is said of parameters that have other shapes than the symbol needs."""
    wrong = [name for name in wanted if given[name] != wanted[name]]
    shown = "; ".join(f"{name} has {given[name]}, where {wanted[name]} is needed" for name in wrong[:SHOWN])
    return (
        f"{os.path.basename(folder.parameters)} does not fit {os.path.basename(folder.symbol)}: {shown}"
        f"{'; ...' if len(wrong) > SHOWN else ''}. Put the parameters of this network beside it, and look "
        "whether input_size is what it was trained on"
    )


def _shapes(folder: Folder, symbol: Any, data: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shapes of all that ``symbol`` takes, by name, as follow from pictures of ``shape``."""
    try:
        arguments, _, states = symbol.infer_shape(**{data: shape})
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise TaskError(
            MODEL,
            f"{os.path.basename(folder.symbol)} does not take pictures of {list(shape[1:])}: {reason}. Set "
            "input_size to what it was trained on",
        ) from error
    if arguments is None:
        raise TaskError(
            MODEL,
            f"the shapes of {os.path.basename(folder.symbol)} do not follow from pictures of "
            f"{list(shape[1:])}: export it after it has been called with one",
        )
    return {
        **dict(zip(symbol.list_arguments(), arguments, strict=True)),
        **dict(zip(symbol.list_auxiliary_states(), states, strict=True)),
    }
