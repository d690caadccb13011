"""What a runtime is: the contract of the modules in this folder.

A module satisfies it by itself; no class is needed. Its framework is imported inside the functions,
so that a list of runtimes costs nothing, and a worker pays for the one that it uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


class UnsupportedError(Exception):
    """The runtime does not know an operator, a version or a type of the model; the message says which."""


class InvalidModelError(Exception):
    """The file breaks a rule of its own opset, which other runtimes may forgive; the message says which."""


class Runtime(Protocol):
    """One way to run an ONNX file."""

    INDEPENDENT: bool
    """Whether others wrote all of it. A file is published only if such a runtime ran it right."""

    JUDGE: bool
    """Whether its word alone decides. Where a judge ran the model right, one other runtime that
    disagrees is reported and blocks nothing: it is a second opinion."""

    OPSETS: range
    """The opsets of the files that it is asked about."""

    ENVIRONMENT: str | None
    """The environment that it runs in, by the name that whoever makes it knows; None for our own.

    A module that names one runs in the interpreter of that environment, which may be as old as
    Python 3.9 and has NumPy: so do this file, ``registry.py`` and the worker. It is asked only where
    somebody wants its opinion.
    """

    QUANTIZED: bool
    """Whether it is asked about quantised graphs alone."""

    def version(self) -> str:
        """Return what ran, with the version that is installed."""
        ...

    def run(self, model: Path, inputs: Mapping[str, Array], threads: int) -> dict[str, Array]:
        """Run a model of one input and one output on every data set, float32 (N, C, H, W) each.

        Returns the outputs, float32 (N, classes), under the names of the data sets. A model whose input or
        output is in float16 is given it, and its answer brought back.

        Raises:
            UnsupportedError: the runtime says that it cannot do this model.
            InvalidModelError: the file is not what its opset allows.
            Exception: whatever else the runtime raises.
        """
        ...
