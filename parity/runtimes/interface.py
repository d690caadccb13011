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


class Runtime(Protocol):
    """One way to run an ONNX file."""

    INDEPENDENT: bool
    """Whether others wrote it. A file is published only if such a runtime ran it right."""

    def version(self) -> str:
        """Return the version of the runtime that is installed."""
        ...

    def run(self, model: Path, inputs: Mapping[str, Array], threads: int) -> dict[str, Array]:
        """Run a model of one input and one output on every data set, float32 (N, C, H, W) each.

        Returns the outputs, float32 (N, classes), under the names of the data sets.

        Raises:
            UnsupportedError: the runtime says that it cannot do this model.
            Exception: whatever else the runtime raises.
        """
        ...
