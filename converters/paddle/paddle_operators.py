"""Which operators of an inference program that others made may run: those that compute, by name.

A program may also name operators that write files, read them, load libraries or wait for a network, and
Paddle runs whatever a program says. What paddle2onnx converts are computations, and a program with
anything else could not become an ONNX file; so its own lists are asked, under the names of both formats.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator

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


def require_known(names: Iterable[str], file: str) -> None:
    """Raise TaskError where the program in the file called ``file`` has an operator that may not run."""
    supported = {
        *STRUCTURE,
        *RENAMED,
        *converter.get_all_supported_operators(),
        *converter.get_all_supported_operators_pir(),
    }
    strange = sorted({name for name in map(_plain, names) if not {name, _not_in_place(name)} & supported})
    if strange:
        more = f" and {len(strange) - SHOWN} more" if len(strange) > SHOWN else ""
        raise TaskError(
            EXPORT,
            f"{file} holds {', '.join(strange[:SHOWN])}{more}: these operators have no translation to ONNX, "
            "and are not run. Save the network for inference, without operators that read or write files",
        )


def nested(block: Any) -> Iterator[Any]:
    """The operators of a block of Paddle 3's format, and those of the blocks within them."""
    for operator in block.ops:
        yield operator
        for inner in operator.blocks():
            yield from nested(inner)


def _plain(name: str) -> str:
    return name[len(DIALECT) :] if name.startswith(DIALECT) else name


def _not_in_place(name: str) -> str:
    """The name of an operator whose form that overwrites its input ends with an underscore."""
    return name[:-1] if name.endswith("_") else name
