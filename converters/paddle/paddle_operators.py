"""Which operators of an inference program that others made may run: those that compute, by name.

A program may also name operators that write files, read them, load libraries or wait for a network, and
Paddle runs whatever a program says. What paddle2onnx converts are computations, and a program with
anything else could not become an ONNX file; so its own lists are asked, under the names of both formats.
"""

from __future__ import annotations

from typing import Any, Container, Iterable, Iterator

from paddle2onnx import paddle2onnx_cpp2py_export as converter

from protocol import EXPORT, TaskError

STRUCTURE = {
    "builtin.combine",
    "builtin.parameter",
    "builtin.slice",
    "builtin.split",
    "cf.stack_create",
    "cf.tuple_pop",
    "cf.tuple_push",
    "cf.yield",
    "conditional_block",
    "data",
    "feed",
    "fetch",
    "if",
    "select_input",
    "while",
}
"""What a program is made of beside computations. What branches and loops hold is looked at as well."""
RENAMED = {
    "add",
    "add_n",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "divide",
    "expand",
    "flatten",
    "floor_divide",
    "grid_sample",
    "hardsigmoid",
    "hardswish",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "nonzero",
    "numel",
    "prod",
    "remainder",
    "repeat_interleave_with_tensor_index",
    "subtract",
    "sum",
    "topk",
    "unsqueeze",
}
"""Operators of Paddle 3's format that paddle2onnx lists under the names of the one before it."""
DIALECT = "pd_op."
SHOWN = 4


def require_known(names: Iterable[str], file: str, restated: Container[str]) -> None:
    """Raise TaskError where the program in the file called ``file`` has an operator that may not run.

    ``restated`` are computations that paddle2onnx does not know, and is not given.
    """
    strange = unknown(name for name in names if computation(name) not in restated)
    if strange:
        raise TaskError(
            EXPORT,
            f"{file} holds {strange}: these operators have no translation to ONNX, and are not run. "
            "Save the network for inference, without operators that read or write files",
        )


def unknown(names: Iterable[str]) -> str:
    """The first few operators of ``names`` that paddle2onnx has no translation of; empty for none."""
    supported = {
        *STRUCTURE,
        *RENAMED,
        *converter.get_all_supported_operators(),
        *converter.get_all_supported_operators_pir(),
    }
    plain = {name: _plain(name) for name in names}
    strange = sorted({plain[name] for name in plain if not {plain[name], computation(name)} & supported})
    more = f" and {len(strange) - SHOWN} more" if len(strange) > SHOWN else ""
    return ", ".join(strange[:SHOWN]) + more


def nested(block: Any) -> Iterator[Any]:
    """The operators of a block of Paddle 3's format, and those of the blocks within them."""
    for operator in block.ops:
        yield operator
        for inner in operator.blocks():
            yield from nested(inner)


def _plain(name: str) -> str:
    return name[len(DIALECT) :] if name.startswith(DIALECT) else name


def computation(name: str) -> str:
    """What an operator computes, by name: its form that overwrites its input ends with an underscore."""
    plain = _plain(name)
    return plain[:-1] if plain.endswith("_") else plain
