"""What the elements of a tensor are, without holding those that lie in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

_CHUNK = 1 << 16


def is_uniform(tensor: onnx.TensorProto) -> bool:
    """Whether all elements of ``tensor`` are equal; external data has to be at an absolute path.

    Reads no more than it has to: of weights, the first few thousand.

    Raises:
        OSError: the file cannot be read.
    """
    first = next(_chunks(tensor), np.zeros(0))[:1]
    return all(bool((chunk == first).all()) for chunk in _chunks(tensor))


def _chunks(tensor: onnx.TensorProto) -> Iterator[npt.NDArray[np.generic]]:
    """The elements of ``tensor``, a few thousand at a time."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        yield np.asarray(numpy_helper.to_array(tensor)).reshape(-1)
        return
    external = {entry.key: entry.value for entry in tensor.external_data}
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    left = int(np.prod(tensor.dims, dtype=np.int64)) * kind.itemsize
    with Path(external["location"]).open("rb") as stream:
        stream.seek(int(external.get("offset", 0)))
        while left and (content := stream.read(min(left, _CHUNK))):
            left -= len(content)
            yield np.frombuffer(content, kind)
