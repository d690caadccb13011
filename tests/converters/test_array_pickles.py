"""The restricted unpickler of Paddle's weights: what numpy wrote comes back, all else is named."""

from __future__ import annotations

import collections
import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.converters.hostile import build, call, entry, many, named, number, program, raw, runs, text

NDARRAY, NONE, FALSE = named("numpy", "ndarray"), b"N", b"\x89"
EMPTY = call(named("numpy.core.multiarray", "_reconstruct"), NDARRAY, many(number(0)), raw(b"b"))
FLOATS = call(named("numpy", "dtype"), text("f4"))
OBJECTS = call(named("numpy", "dtype"), text("O"))


@pytest.fixture(scope="module")
def reader(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("array_pickles")


def _state(shape: bytes, dtype: bytes, values: bytes, version: int = 1) -> bytes:
    return many(number(version), shape, dtype, FALSE, values)


WRITTEN: list[npt.NDArray[Any]] = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.arange(6, dtype=np.float16).reshape(2, 3).T,
    np.arange(24, dtype=">f8").reshape(2, 3, 4).transpose(1, 0, 2),
    np.arange(10, dtype=np.int64)[::3],
    np.array(7, dtype=np.uint8),
    np.array([True, False]),
    np.zeros((0, 4), dtype=np.int32),
]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", WRITTEN, ids=lambda array: f"{array.dtype.str}{array.shape}")
def test_arrays_come_back_as_numpy_wrote_them(reader: Any, array: npt.NDArray[Any], protocol: int) -> None:
    pair = (tuple, (("linear.w_0", array),))
    for value in ({"w": array}, collections.OrderedDict(w=array), {"w": _Reduced(*pair)}):
        read = reader.load(io.BytesIO(pickle.dumps(value, protocol)))["w"]
        if isinstance(read, tuple):
            name, read = read
            assert name == "linear.w_0"
        assert (read.dtype, read.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read, array)


class _Reduced:
    """An object that is pickled as a call, as ``paddle.save`` does with its tensors."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


@given(
    array=arrays.arrays(
        st.sampled_from(["<f4", ">f8", "<f2", "i1", ">i4", "<u8", "?"]),
        arrays.array_shapes(min_dims=0, min_side=0),
    ),
    protocol=st.integers(2, 5),
)
def test_any_array_comes_back(reader: Any, array: npt.NDArray[Any], protocol: int) -> None:
    [read] = reader.load(io.BytesIO(pickle.dumps({"w": array}, protocol))).values()
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


def test_bytes_of_python_2_are_taken(reader: Any) -> None:
    """They are byte strings without an encoding, and so are the names in a dtype's state."""
    dtype = build(call(named("numpy", "dtype"), b"U\x02f4"), many(number(3), b"U\x01<", NONE, NONE, NONE))
    written = build(EMPTY, _state(many(number(1)), dtype, b"U\x04\x00\x00\x80\x3f"))
    assert reader.load(io.BytesIO(program(entry("w", written))))["w"] == np.array([1], np.float32)


HOSTILE = {
    "an array of objects over bytes, which would be pointers": (
        call(NDARRAY, many(number(1)), OBJECTS, raw(b"AAAAAAAA")),
        "an array of objects",
    ),
    "the same through the function that numpy uses": (
        build(EMPTY, _state(many(number(1)), OBJECTS, raw(b"AAAAAAAA"))),
        "an array of objects",
    ),
    "the same over a buffer": (
        call(named("numpy._core.numeric", "_frombuffer"), raw(b"A" * 8), OBJECTS, many(number(1)), text("C")),
        "an array of objects",
    ),
    "objects with an order of bytes": (call(named("numpy", "dtype"), text("|O8")), "an array of objects"),
    "objects as a number": (
        call(named("numpy.core.multiarray", "scalar"), OBJECTS, raw(b"A" * 8)),
        "an array of objects",
    ),
    "objects in a part of a structure": (
        call(named("numpy", "dtype"), many(text("f4"), text("O"))),
        "an array of dtype ('f4', 'O')",
    ),
    "a dtype that becomes a structure afterwards": (
        build(FLOATS, many(number(3), text("<"), NONE, many(text("a")), entry("a", OBJECTS))),
        "an array of objects",
    ),
    "a dtype with parts": (
        build(FLOATS, many(number(3), text("<"), NONE, many(text("a")), entry("a", many(FLOATS, number(0))))),
        "an array of a dtype with parts",
    ),
    "text": (call(named("numpy", "dtype"), text("U5")), "an array of dtype 'U5'"),
    "a call of ndarray": (
        call(NDARRAY, many(number(1)), FLOATS, raw(b"AAAA")),
        "an array that is made by a call of numpy.ndarray",
    ),
    "another class of arrays": (
        call(
            named("numpy.core.multiarray", "_reconstruct"),
            named("numpy", "matrix"),
            many(number(0)),
            raw(b"b"),
        ),
        "numpy.matrix",
    ),
    "a function for a class": (
        call(named("numpy.core.multiarray", "_reconstruct"), named("builtins", "tuple"), NONE, NONE),
        "an array of another class than numpy's own",
    ),
    "more values than bytes": (
        build(EMPTY, _state(many(number(1 << 40)), FLOATS, raw(b"AAAA"))),
        "an array of shape (1099511627776,) and dtype float32 with 4 bytes, where 4398046511104 are needed",
    ),
    "fewer values than bytes": (
        build(EMPTY, _state(many(number(2)), FLOATS, raw(b"A" * 12))),
        "with 12 bytes, where 8 are needed",
    ),
    "two negative sizes": (
        build(EMPTY, _state(many(number(-1), number(-1)), FLOATS, raw(b"AAAA"))),
        "an array of the shape (-1, -1)",
    ),
    "sizes whose product is 0 in 64 bits": (
        build(EMPTY, _state(many(number(1 << 32), number(1 << 32)), FLOATS, raw(b""))),
        "with 0 bytes, where 73786976294838206464 are needed",
    ),
    "objects in the place of bytes": (
        build(EMPTY, _state(many(number(1)), FLOATS, b"(NNl")),
        "an array that is not made of a dtype and bytes",
    ),
    "a name in the place of a dtype": (
        build(EMPTY, _state(many(number(1)), text("O"), raw(b"A" * 8))),
        "an array that is not made of a dtype and bytes",
    ),
    "an array that nothing is said of": (EMPTY, "an array without its shape, dtype and bytes"),
    "axes that are none": (
        call(
            named("numpy._core.numeric", "_frombuffer"),
            *(raw(b"A" * 4), FLOATS, many(number(1)), text("K"), many(number(7))),
        ),
        "an array with the axes (7,)",
    ),
    "a change of a function": (
        build(named("builtins", "tuple"), entry("_call", NONE)),
        "a change of a function",
    ),
    "a change of a function's defaults": (
        build(named("_codecs", "encode"), many(NONE, entry("__defaults__", many(text("utf-8"))))),
        "a change of a function",
    ),
    "code": (call(named("builtins", "eval"), text("1")), "builtins.eval"),
    "a function within a function": (b"\x8c\x08builtins\x8c\x0btuple.count\x93", "builtins.tuple.count"),
    "another encoding": (
        call(named("_codecs", "encode"), text("41"), text("hex")),
        "bytes in the encoding 'hex'",
    ),
    "a tuple of a dict": (call(named("builtins", "tuple"), b"}"), "a call of tuple with something else"),
}
"""A value in a dict, and how it is refused."""


@pytest.mark.parametrize("case", HOSTILE)
def test_what_could_run_code_is_refused_by_name(reader: Any, case: str) -> None:
    value, reason = HOSTILE[case]
    with pytest.raises(reader.RefusedError) as caught:
        reader.load(io.BytesIO(program(entry("w", value), protocol=4)))
    assert reason in str(caught.value)


def test_nothing_is_called(reader: Any, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    hostile = program(entry("w", runs(ran)))
    with pytest.raises(reader.RefusedError, match=r"os\.system"):
        reader.load(io.BytesIO(hostile))
    assert not ran.exists()
    pickle.loads(hostile)  # noqa: S301
    assert ran.exists()  # so the file would have been made


DAMAGED = {
    "empty": b"",
    "cut": program(entry("w", build(EMPTY, _state(many(number(1)), FLOATS, raw(b"AAAA")))))[:-9],
    "more bytes than there are": b"\x80\x04\x8e" + (1 << 60).to_bytes(8, "little") + b"A.",
    "an object of a function": program(named("builtins", "tuple") + b")\x81"),
    "a number of copyreg": program(b"\x82\x01"),
    "an object from elsewhere": program(text("a") + b"Q"),
}


ERRORS = (EOFError, MemoryError, OverflowError, TypeError, ValueError, pickle.UnpicklingError, struct.error)


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_an_error(reader: Any, case: str) -> None:
    with pytest.raises(ERRORS):
        reader.load(io.BytesIO(DAMAGED[case]))


def test_a_number_in_a_file_reserves_no_memory(reader: Any) -> None:
    """The unpickler in C makes room for as many entries of its memo, 64 GB here."""
    assert reader.load(io.BytesIO(program(b"}r\xff\xff\xff\xff"))) == {}
