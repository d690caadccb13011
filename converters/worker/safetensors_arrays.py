"""Safetensors files as numpy arrays on the file itself, for frameworks that copy them into a network.

``safetensors.numpy.load_file`` copies every tensor out of a mapping of the whole file, so that the weights
are resident twice beside the network. Here they are once, in pages that the system may take away.
"""

from __future__ import annotations

from typing import Any, Dict

import numpy as np
import safetensors

KINDS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
LENGTH = 8
"""Bytes of the number in front of the header that says how long it is."""


def read(path: str) -> Dict[str, Any]:
    """The tensors of the file ``path`` by name, in the file's order, as arrays that cannot be written to.

    Raises safetensors.SafetensorError or OSError where the file is damaged (tensors that overlap, lie beyond
    its end or leave gaps are), TypeError where it holds values of a type that numpy lacks, and ValueError
    where it holds arrays of a shape that numpy lacks.
    """
    arrays: Dict[str, Any] = {}
    with safetensors.safe_open(path, framework="numpy") as checked:  # its header agrees with its length
        content = np.memmap(path, np.uint8, "r")
        # The tensors follow the header without gaps.
        offset = LENGTH + int.from_bytes(content[:LENGTH].tobytes(), "little")
        for name in checked.offset_keys():
            described = checked.get_slice(name)
            if described.get_dtype() not in KINDS:
                raise TypeError(f"{name} holds {described.get_dtype()} values, which numpy does not have")
            kind = np.dtype(KINDS[described.get_dtype()])
            arrays[name] = np.ndarray(described.get_shape(), kind, content, offset)
            offset += arrays[name].nbytes
    return arrays
