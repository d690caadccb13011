"""OpenCV's dnn module on the processor, with its new engine: a second opinion on old opsets.

It ignores the ``axis`` of a broadcast, and is silently wrong where the sizes happen to match.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from parity.runtimes.interface import AnyArray, DataSets, UnsupportedError, as_answers

INDEPENDENT = True
JUDGE = False
OPSETS = range(3, 7)
ENVIRONMENT: str | None = None
QUANTIZED = False
MODULES: tuple[str, ...] = ("numpy", "cv2")


def version() -> str:
    """Return the version of the installed package."""
    return metadata.version("opencv-python-headless")


def run(model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
    """Run every data set in one network; see :class:`parity.runtimes.interface.Runtime`."""
    import cv2

    cv2.setNumThreads(threads)
    try:
        network = cv2.dnn.readNetFromONNX(str(model), cv2.dnn.ENGINE_NEW)
        if network.empty():  # the names of the operators are in what it prints
            raise UnsupportedError("it does not load the model: the worker's log names the operators")
        return {name: as_answers([_forward(network, arrays)]) for name, arrays in data_sets.items()}
    except cv2.error as error:
        if error.code == cv2.Error.StsNotImplemented:
            raise UnsupportedError(str(error)) from error
        raise


def _forward(network: Any, arrays: Sequence[AnyArray]) -> AnyArray:
    """The one output; several are not told apart by their names, which its engine changes."""
    if len(arrays) != 1 or len(network.getUnconnectedOutLayers()) != 1 or arrays[0].dtype.kind != "f":
        raise UnsupportedError("it is asked about one input of floats and one output alone")
    network.setInput(arrays[0].astype("float32"))
    output: AnyArray = network.forward()
    return output
