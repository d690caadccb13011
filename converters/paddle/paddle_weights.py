"""Reading checkpoints of Paddle without running code, and fitting them to a network."""

from __future__ import annotations

import collections
import os
import pickle
from typing import Any, Dict, Tuple

import numpy as np
from numpy.core import multiarray, numeric

import safetensors_arrays
from checkpoints import matching
from protocol import WEIGHTS, TaskError

NAME_TABLE = "StructuredToParameterName@@"
"""Under which paddle.save keeps a table of names beside the arrays."""
SLICED = "UnpackBigParamInfor@@"
"""Under which paddle.save with pickle protocol 2 says how it cut arrays of over 1 GB to pieces."""
SHOWN = 4

Tensors = Dict[str, Any]


def _latin1_bytes(text: str, encoding: str = "latin1") -> bytes:
    """What ``_codecs.encode`` does for the bytes in a pickle of protocol 2, and nothing else."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes encoded as {encoding!r}")
    return text.encode("latin1")


ALLOWED = {
    ("builtins", "tuple"): tuple,
    ("builtins", "list"): list,
    ("builtins", "dict"): dict,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): _latin1_bytes,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
for _core in ("numpy.core", "numpy._core"):  # numpy 2 renamed it
    ALLOWED[(_core + ".multiarray", "_reconstruct")] = multiarray._reconstruct
    ALLOWED[(_core + ".multiarray", "scalar")] = multiarray.scalar
    ALLOWED[(_core + ".numeric", "_frombuffer")] = numeric._frombuffer


class _RefusedError(Exception):
    """The pickle names something that is neither an array nor a plain container."""


class _ArrayUnpickler(pickle.Unpickler):
    """Reads arrays and plain containers, and knows nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise _RefusedError(f"{module}.{name}")
        return ALLOWED[(module, name)]


def read_checkpoint(path: str) -> Tensors:
    """Read the arrays of a .pdparams or .safetensors file by name, without running code.

    Raises TaskError where the file is damaged, holds anything but arrays and plain containers, or
    no arrays.
    """
    name = os.path.basename(path)
    try:
        if path.endswith(".safetensors"):
            return safetensors_arrays.read(path)
        with open(path, "rb") as stream:
            loaded = _ArrayUnpickler(stream, encoding="latin1").load()
    except _RefusedError as error:
        raise TaskError(
            WEIGHTS,
            f"{name} holds {error}, which is neither an array nor a plain container, and loading it could "
            "run code: save the state_dict() of the network alone, with paddle.save or as .safetensors",
        ) from error
    except Exception as error:  # a damaged pickle raises anything
        raise TaskError(
            WEIGHTS, f"{name} cannot be read; is it a whole checkpoint? {type(error).__name__}: {error}"
        ) from error
    return _arrays(loaded, name)


def _arrays(loaded: Any, name: str) -> Tensors:
    if not isinstance(loaded, dict):
        raise TaskError(WEIGHTS, f"{name} holds no arrays by name but a {type(loaded).__name__}")
    if SLICED in loaded:
        raise TaskError(
            WEIGHTS, f"{name} holds arrays cut to pieces: save it again with paddle.save(protocol=4)"
        )
    arrays = {key: _array(value) for key, value in loaded.items() if key != NAME_TABLE}
    strange = [str(key) for key, value in arrays.items() if value is None]
    if strange or not arrays:
        what = f"{', '.join(strange[:SHOWN])}, which are no arrays" if strange else "no arrays"
        raise TaskError(WEIGHTS, f"{name} holds {what}: save the state_dict() of the network alone")
    return arrays


def _array(value: Any) -> Any:
    """The array in ``value``, which paddle.save may have put in a pair with its name; or None."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" else None


def in_place(tensor: Any) -> Any:
    """The values of a Paddle ``tensor`` as an array on the same memory: ``set_value`` copies them twice."""
    return np.from_dlpack(tensor.detach())


def fit(network: Any, tensors: Tensors, exact: bool = True) -> str:
    """Copy ``tensors`` into ``network`` and say how they were matched: ``by name`` or ``in order``.

    By name where all names agree (or all that are needed are there, if not ``exact``), else in
    order, as :func:`checkpoints.matching` has it. Raises TaskError, naming tensors that do not fit,
    otherwise.
    """
    wanted = {name: in_place(value) for name, value in network.state_dict().items()}
    given = tensors if exact else {name: value for name, value in tensors.items() if name in wanted}
    matched, how = matching(_shapes(given), _shapes(wanted))
    for name, values in wanted.items():
        array = given[matched[name]]
        if array.dtype.kind != values.dtype.kind:
            raise TaskError(WEIGHTS, f"{name} holds values of type {array.dtype}, needed {values.dtype}")
        values[...] = array
    return how


def _shapes(tensors: Tensors) -> Dict[str, Tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}
