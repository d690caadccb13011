"""OpenCV's dnn module on the processor, with its new engine: a second opinion on old opsets.

It ignores the ``axis`` of a broadcast, and is silently wrong where the sizes happen to match.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import numpy as np

from parity.runtimes.interface import Array, UnsupportedError

INDEPENDENT = True
JUDGE = False
OPSETS = range(3, 7)
ENVIRONMENT: str | None = None
QUANTIZED = False


def version() -> str:
    """Return the version of the installed package."""
    return metadata.version("opencv-python-headless")


def run(model: Path, inputs: Mapping[str, Array], threads: int) -> dict[str, Array]:
    """Run every data set in one network; see :class:`parity.runtimes.interface.Runtime`."""
    import cv2

    cv2.setNumThreads(threads)
    try:
        network = cv2.dnn.readNetFromONNX(str(model), cv2.dnn.ENGINE_NEW)
        if network.empty():  # the names of the operators are in what it prints
            raise UnsupportedError("it does not load the model: the worker's log names the operators")
        outputs = {}
        for name, array in inputs.items():
            network.setInput(array)
            outputs[name] = np.array(network.forward(), np.float32)
    except cv2.error as error:
        if error.code == cv2.Error.StsNotImplemented:
            raise UnsupportedError(str(error)) from error
        raise
    return outputs
