"""Pickles of arrays by name, as ``paddle.save`` and ``pickle.dump`` write them, read without running code.

A pickle is a program that names functions and calls them, and those of numpy are not made for strangers: an
array of objects over a byte string is a pointer of the writer's choice. So the names in a file stand for
functions of this module alone. They note dtypes, shapes and bytes; the arrays are made when the whole file
has been read and each was found to agree. Standard library and numpy only.

What numpy writes is in its ``array_reduce``, ``array_reduce_ex_picklebuffer`` and ``arraydescr_reduce``.
"""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple

import numpy as np

DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
"""The dtypes of weights, as numpy writes them in a pickle."""
BYTE_ORDERS = ("<", ">", "=", "|")
MOST_AXES = 32
"""Of an array before numpy 2."""


class RefusedError(Exception):
    """What a pickle holds that is neither an array of numbers nor a plain container; it was not made."""


class _Function:
    """A function of this module that a file may name. It has nothing that a file could change."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise RefusedError("a change of a function")


class _Mapping(Dict[Any, Any]):
    """An OrderedDict without what else a program may have attached to it, such as the versions of torch."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        """Leave it."""


class _Dtype:
    """A dtype of :data:`DTYPES` and its order of bytes."""

    __slots__ = ("name", "order")

    def __init__(self, name: Any, *_: Any) -> None:
        if isinstance(name, str) and name.lstrip("".join(BYTE_ORDERS))[:1] == "O":
            raise RefusedError("an array of objects")
        if name not in DTYPES:
            raise RefusedError(f"an array of dtype {name!r:.60}")
        self.name, self.order = name, "="

    def __setstate__(self, state: Any) -> None:
        """Take a version, the order of bytes, and what only dtypes with parts of their own have."""
        if not (isinstance(state, tuple) and len(state) >= 5 and state[2:5] == (None, None, None)):
            raise RefusedError("an array of a dtype with parts")
        if state[1] not in BYTE_ORDERS:
            raise RefusedError(f"an array with the order of bytes {state[1]!r:.60}")
        self.order = state[1]

    @property
    def dtype(self) -> Any:
        return np.dtype(self.order + self.name)


class _Array:
    """An array that is yet to be made."""

    __slots__ = ("axes", "dtype", "fortran", "shape", "values")

    def __init__(self) -> None:
        self.dtype: Optional[_Dtype] = None
        self.axes: Optional[Tuple[int, ...]] = None
        """The order that the axes of ``shape`` are to be brought into."""

    def __setstate__(self, state: Any) -> None:
        """Take a version, the shape, the dtype, whether it is in Fortran's order, and the bytes."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise RefusedError("an array without its shape, dtype and bytes")
        self.hold(state[4], state[2], state[1], state[3])

    def hold(self, values: Any, dtype: Any, shape: Any, fortran: Any) -> None:
        """Note the parts of the array. Raises RefusedError where they are none, or do not agree."""
        if isinstance(values, str):  # bytes of Python 2
            values = values.encode("latin1")
        if not isinstance(dtype, _Dtype) or not isinstance(values, (bytes, bytearray)):
            raise RefusedError("an array that is not made of a dtype and bytes")
        if not (isinstance(shape, tuple) and len(shape) <= MOST_AXES and all(map(_is_size, shape))):
            raise RefusedError(f"an array of the shape {shape!r:.60}")
        needed = dtype.dtype.itemsize
        for size in shape:
            needed *= size
        if needed != len(values):
            raise RefusedError(
                f"an array of shape {shape} and dtype {dtype.dtype} with {len(values)} bytes, "
                f"where {needed} are needed"
            )
        self.values, self.dtype, self.shape, self.fortran = values, dtype, shape, bool(fortran)

    def to_array(self) -> Any:
        """The array, on the bytes themselves."""
        if self.dtype is None:
            raise RefusedError("an array without its shape, dtype and bytes")
        array = np.frombuffer(self.values, self.dtype.dtype)
        array = array.reshape(self.shape, order="F" if self.fortran else "C")
        return array if self.axes is None else array.transpose(self.axes)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _array_to_fill(kind: Any, *_: Any) -> _Array:
    """What ``_reconstruct(ndarray, (0,), b'b')`` makes: an array that is told all else afterwards."""
    if kind is not NDARRAY:
        raise RefusedError("an array of another class than numpy's own")
    return _Array()


def _array_on_bytes(values: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> _Array:
    """What ``_frombuffer`` makes; with the order ``K``, ``axes`` follow the transposition."""
    if order not in ("C", "F", "K"):
        raise RefusedError(f"an array in the order {order!r}")
    array = _Array()
    array.hold(values, dtype, shape, order == "F")
    if order == "K" and axes is not None:
        if not isinstance(axes, tuple) or sorted(axes) != list(range(len(shape))):
            raise RefusedError(f"an array with the axes {axes!r:.60}")
        array.axes = axes
    return array


def _refuse_array(*_: Any) -> None:
    """``ndarray`` is named by every pickle of an array, and called by none that numpy writes."""
    raise RefusedError("an array that is made by a call of numpy.ndarray")


def _refuse_number(*_: Any) -> None:
    raise RefusedError("a number of numpy's, which is no array")


def _tuple(values: Any = ()) -> Tuple[Any, ...]:
    """What ``paddle.save`` calls with the pair of a tensor's name and its array."""
    if not isinstance(values, tuple):
        raise RefusedError("a call of tuple with something else than a tuple")
    return values


def _ordered(pairs: Any = ()) -> _Mapping:
    """An OrderedDict; Python 2 gives it a list of lists of two, later versions fill it afterwards."""
    return _Mapping(pairs)


def _latin1_bytes(text: Any, encoding: Any = "latin1") -> bytes:
    """What ``_codecs.encode`` does for the bytes in a pickle of protocol 2."""
    if encoding != "latin1" or not isinstance(text, str):
        raise RefusedError(f"bytes in the encoding {encoding!r:.60}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """What ``bytes`` is called for by the bytes of an empty array in a pickle of protocol 2."""
    return b""


NDARRAY = _Function(_refuse_array)
NAMES: Dict[Tuple[str, str], _Function] = {
    ("builtins", "tuple"): _Function(_tuple),
    ("__builtin__", "tuple"): _Function(_tuple),  # as protocol 2 calls it
    ("__builtin__", "bytes"): _Function(_no_bytes),
    ("collections", "OrderedDict"): _Function(_ordered),
    ("_codecs", "encode"): _Function(_latin1_bytes),
    ("numpy", "ndarray"): NDARRAY,
    ("numpy", "dtype"): _Function(_Dtype),
}
"""All that a file may name, and what takes its place."""
for _core in ("numpy.core", "numpy._core"):  # numpy 2 renamed it
    NAMES[(_core + ".multiarray", "_reconstruct")] = _Function(_array_to_fill)
    NAMES[(_core + ".multiarray", "scalar")] = _Function(_refuse_number)
    NAMES[(_core + ".numeric", "_frombuffer")] = _Function(_array_on_bytes)


class _Unpickler(pickle._Unpickler):
    """The standard library's own in Python: that in C reserves as much memory as a number in a file says."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMES:
            raise RefusedError(f"{module}.{name}")
        return NAMES[(module, name)]


def load(stream: BinaryIO) -> Any:
    """What a pickle holds: plain containers, text and numbers, and arrays that cannot be written to.

    Raises RefusedError, with what it is, where a file holds anything else; whatever else is raised
    (UnpicklingError, EOFError, KeyError ...) means that it is damaged.
    """
    return _with_arrays(_Unpickler(stream, encoding="latin1").load())


def _with_arrays(loaded: Any) -> Any:
    """``loaded`` with its arrays made, in dicts and the tuples that are their values."""
    if isinstance(loaded, dict):
        return {key: _in_value(value) for key, value in loaded.items()}
    return _in_value(loaded)


def _in_value(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.to_array()
    if isinstance(value, tuple):
        parts: List[Any] = [part.to_array() if isinstance(part, _Array) else part for part in value]
        return tuple(parts)
    return value
