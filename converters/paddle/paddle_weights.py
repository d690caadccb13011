"""Reading checkpoints of Paddle without running code, and fitting them to a network."""

from __future__ import annotations

import os
from typing import Any, Dict, Tuple

import numpy as np

import array_pickles
import safetensors_arrays
from checkpoints import matching, refuse_pointer
from protocol import WEIGHTS, TaskError

NAME_TABLE = "StructuredToParameterName@@"
"""Under which paddle.save keeps a table of names beside the arrays."""
SLICED = "UnpackBigParamInfor@@"
"""Under which paddle.save with pickle protocol 2 says how it cut arrays of over 1 GB to pieces."""
SHOWN = 4

Tensors = Dict[str, Any]


def read_checkpoint(path: str) -> Tensors:
    """Read the arrays of a .pdparams or .safetensors file by name, without running code.

    Raises TaskError where the file is damaged, holds anything but arrays of numbers and plain
    containers, or no arrays.
    """
    refuse_pointer(path)
    name = os.path.basename(path)
    try:
        if path.endswith(".safetensors"):
            return safetensors_arrays.read(path)
        with open(path, "rb") as stream:
            loaded = array_pickles.load(stream)
    except array_pickles.RefusedError as error:
        raise TaskError(
            WEIGHTS,
            f"{name} holds {error}: only arrays of numbers and plain containers are read, because anything "
            "else could run code. Save the state_dict() of the network alone, with paddle.save or as "
            ".safetensors",
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
    strange = [str(key) for key, value in arrays.items() if value is None or not isinstance(key, str)]
    if strange or not arrays:
        what = f"{', '.join(strange[:SHOWN])}, which are no arrays with a name" if strange else "no arrays"
        raise TaskError(WEIGHTS, f"{name} holds {what}: save the state_dict() of the network alone")
    return arrays


def _array(value: Any) -> Any:
    """The array in ``value``, which paddle.save may have put in a pair with its name; or None."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value if isinstance(value, np.ndarray) else None


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
    needed = tensors if exact else {name: value for name, value in tensors.items() if name in wanted}
    matched, how = matching(_shapes(needed), _shapes(wanted))
    for name, values in wanted.items():
        array = needed[matched[name]]
        if array.dtype.kind != values.dtype.kind:
            raise TaskError(WEIGHTS, f"{name} holds values of type {array.dtype}, needed {values.dtype}")
        values[...] = array
    return how


def _shapes(tensors: Tensors) -> Dict[str, Tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}
