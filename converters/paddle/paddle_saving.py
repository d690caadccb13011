"""From a network to an inference program, as ``paddle.jit.save`` writes it."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
import types
from typing import Any, Iterable, Iterator, List, Tuple

import paddle
from paddle.jit.dy2static import utils
from paddle.nn.functional import common

from protocol import EXPORT, TaskError

PROGRAM = "__model__.json"
"""How paddle.jit.save names the program where each parameter has a file of its own."""


def save(network: Any, sizes: Tuple[int, ...], folder: str) -> None:
    """Save ``network`` for pictures (N, *sizes), float32, into ``folder``: its program and its parameters.

    Raises TaskError where Paddle cannot say it as a program.
    """
    spec = paddle.static.InputSpec([None, *sizes], "float32", "input")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(folder))) as code, _repaired(code):
        try:
            program = paddle.jit.to_static(network, input_spec=[spec], full_graph=True)
            # One file of all parameters would be put together in memory, next to the network.
            paddle.jit.save(program, os.path.join(folder, "inference"), separate_parameters=True)
        except Exception as error:
            print(error, file=sys.stderr)  # with a traceback of its own
            reason = str(error).strip().rsplit("\n", 1)[-1].strip()
            raise TaskError(EXPORT, f"paddle.jit.save cannot say this model: {reason}") from error


@contextlib.contextmanager
def _repaired(code: str) -> Iterator[None]:
    """Let Paddle say what it cannot by itself, and write the code that it makes into the folder ``code``."""
    folder_of_code = utils.get_temp_dir
    # Below the user's home, each process would leave a folder where its interpreter is not wound up.
    utils.get_temp_dir = lambda: code
    # Its fold would multiply the sizes of a program, in which -1 is an open batch, and find them negative.
    common.math = types.SimpleNamespace(prod=_product)
    try:
        yield
    finally:
        common.math, utils.get_temp_dir = math, folder_of_code


def _product(sizes: Iterable[int]) -> int:
    return math.prod(size for size in sizes if size != -1)


def parameter_files(folder: str) -> List[str]:
    """The files of what :func:`save` has written, in the order of the parameters' names.

    Where a name has slashes, as in ``xception_41/entry_flow/conv1/weights``, its file is in folders.
    """
    files = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    program = os.path.join(folder, PROGRAM)
    return sorted(file for file in files if file != program)
