"""From a network to an inference program, as ``paddle.jit.save`` writes it."""

from __future__ import annotations

import math
import os
import sys
import types
from typing import Any, Iterable, List, Tuple

import paddle
from paddle.nn.functional import common

from protocol import EXPORT, TaskError

PROGRAM = "__model__.json"
"""How paddle.jit.save names the program where each parameter has a file of its own."""


def save(network: Any, sizes: Tuple[int, ...], folder: str) -> None:
    """Save ``network`` for pictures (N, *sizes), float32, into ``folder``: its program and its parameters.

    Raises TaskError where Paddle cannot say it as a program.
    """
    spec = paddle.static.InputSpec([None, *sizes], "float32", "input")
    # Its fold would multiply the sizes of a program, in which -1 is an open batch, and find them negative.
    common.math = types.SimpleNamespace(prod=_product)
    try:
        program = paddle.jit.to_static(network, input_spec=[spec], full_graph=True)
        # One file of all parameters would be put together in memory, next to the network.
        paddle.jit.save(program, os.path.join(folder, "inference"), separate_parameters=True)
    except Exception as error:
        print(error, file=sys.stderr)  # with a traceback of its own
        reason = str(error).strip().rsplit("\n", 1)[-1].strip()
        raise TaskError(EXPORT, f"paddle.jit.save cannot say this model: {reason}") from error
    finally:
        common.math = math


def _product(sizes: Iterable[int]) -> int:
    return math.prod(size for size in sizes if size != -1)


def parameter_files(folder: str) -> List[str]:
    """The files of what :func:`save` has written, in the order of the parameters' names.

    Where a name has slashes, as in ``xception_41/entry_flow/conv1/weights``, its file is in folders.
    """
    files = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    program = os.path.join(folder, PROGRAM)
    return sorted(file for file in files if file != program)
