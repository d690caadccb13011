"""What a runtime is: the contract of the modules in this folder.

A module satisfies it by itself; no class is needed. Its framework is imported inside the functions,
so that a list of runtimes costs nothing, and a worker pays for the one that it uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]

DataSets = Mapping[str, Sequence[AnyArray]]
"""By their names, an array for each input of the graph that is no initializer, in the graph's order."""


class UnsupportedError(Exception):
    """The runtime does not know an operator, a version or a type of the model; the message says which."""


class InvalidModelError(Exception):
    """The file breaks a rule of its own opset, which other runtimes may forgive; the message says which."""


def as_answers(outputs: Sequence[AnyArray]) -> list[AnyArray]:
    """What a runtime computed, as :meth:`Runtime.run` returns it."""
    arrays = [np.array(output) for output in outputs]
    return [array.astype(np.float32) if array.dtype == np.float16 else array for array in arrays]


def in_precision(array: AnyArray, wanted: npt.DTypeLike) -> AnyArray:
    """A floating ``array`` in the precision that an input of a graph wants; any other as it is."""
    return array.astype(wanted, copy=False) if array.dtype.kind == "f" else array


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

    MODULES: tuple[str, ...]
    """What it imports while it runs a model: a process that has done so beforehand can be forked."""

    def version(self) -> str:
        """Return what ran, with the version that is installed."""
        ...

    def run(self, model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
        """Run a model on every data set; its outputs in the graph's order, under the data sets' names.

        Floating inputs, such as pictures, float32 (N, C, H, W), are given in the precision that the model
        wants, and outputs in float16 brought back as float32, such as logits (N, classes). All other arrays
        keep their type.

        Raises:
            UnsupportedError: the runtime says that it cannot do this model.
            InvalidModelError: the file is not what its opset allows.
            Exception: whatever else the runtime raises.
        """
        ...
