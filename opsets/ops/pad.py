"""Pad: mode ``wrap`` since 19; an ``axes`` input since 18; types since 13; pads are an input since 11."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.families.parameters import integers_to_input
from opsets.registry import adapts
from opsets.rewrite import Rewrite

Integers = npt.NDArray[np.int64]
_FLOATS = (ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16)


@adapts("Pad", 19, 18)
def pad_19_to_18(rewrite: Rewrite) -> None:
    """What wraps around is picked, axis by axis, with constant indices; exact."""
    if rewrite.text("mode", "constant") != "wrap":
        return
    data, pads, axes = rewrite.required(0), rewrite.constant(1, "pads"), rewrite.constant(3, "axes")
    assert pads is not None
    rank = rewrite.rank(data)
    over = list(range(rank)) if axes is None else [int(axis) % rank for axis in axes]
    result = data
    for axis, begin, end in zip(over, *pads.reshape(2, -1).tolist(), strict=True):
        if begin or end:
            length = rewrite.length(data, axis)
            picked = np.arange(-begin, length + end, dtype=np.int64) % length
            result = rewrite.add("Gather", [result, rewrite.initializer(picked, "wrapped")], {"axis": axis})
    if result is data:
        rewrite.forward(data)
    else:
        rewrite.replace(result)


@adapts("Pad", 18, 17)
def pad_18_to_17(rewrite: Rewrite) -> None:
    """Pads of some axes become pads of all, the others 0."""
    axes = rewrite.constant(3, "axes")
    if axes is not None:
        pads = rewrite.constant(1, "pads")
        assert pads is not None
        rank = rewrite.rank(rewrite.required(0))
        every = np.zeros((2, rank), dtype=np.int64)
        every[:, [int(axis) % rank for axis in axes]] = pads.reshape(2, -1)
        rewrite.set_input(1, rewrite.initializer(every.reshape(-1), "pads"))
    rewrite.keep_inputs(3)
    if len(rewrite.node.inputs) == 3 and rewrite.input(2) is None:
        rewrite.keep_inputs(2)


@adapts("Pad", 11, 10)
def pad_11_to_10(rewrite: Rewrite) -> None:
    """Constant pads and value become attributes; what negative pads remove is sliced off.

    The older form pads floats only: integers go through float64, where they are exact up to 2^53.
    """
    data, pads = rewrite.required(0), rewrite.constant(1, "pads")
    assert pads is not None
    mode, value = rewrite.text("mode", "constant"), rewrite.constant(2, "value")
    added, removed = np.maximum(pads, 0).reshape(2, -1), np.minimum(pads, 0).reshape(2, -1)
    attributes: dict[str, Any] = {"mode": mode, "pads": added.reshape(-1).tolist()}
    if mode == "constant":
        attributes["value"] = float(value.reshape(-1)[0]) if value is not None else 0.0
        if attributes["value"] == -np.inf and not removed.any() and _is_padding_of_pools(rewrite, added):
            rewrite.forward(data)
            return
    result = _padded(rewrite, data, attributes) if added.any() else data
    for axis in map(int, np.flatnonzero(removed.any(axis=0))):
        result = _sliced(rewrite, result, axis, -int(removed[0, axis]), int(removed[1, axis]))
    if result is data:
        rewrite.forward(data)
    else:
        rewrite.replace(result)


def _is_padding_of_pools(rewrite: Rewrite, added: Integers) -> bool:
    """Whether what is ``added``, which is nothing to MaxPools, is padding of their own: then they have it.

    OpenVINO reads no infinite attribute, and a pool says it in one node.
    """
    output = rewrite.node.outputs[0]
    pools = [node for node, index in output.uses() if node.op_type == "MaxPool" and index == 0]
    if len(pools) != len(output.uses()) or output.is_graph_output() or added[:, :2].any():
        return False
    padding = [_padding(pool, added[:, 2:].reshape(-1)) for pool in pools]
    if None in padding:
        return False
    for pool, pads in zip(pools, padding, strict=True):
        pool.attributes["pads"] = ir.convenience.convert_attribute("pads", pads)
    return True


def _padding(pool: ir.Node, added: Integers) -> list[int] | None:
    """The pads of ``pool`` with ``added`` to them; None where its windows would not be the same."""
    kernel = pool.attributes["kernel_shape"].as_ints()
    own = pool.attributes.get("pads")
    pads = [int(each) for each in added + (0 if own is None else np.array(own.as_ints()))]
    automatic, rounded = pool.attributes.get("auto_pad"), pool.attributes.get("ceil_mode")
    if automatic is not None and automatic.as_string() != "NOTSET":
        return None
    if (rounded is not None and rounded.as_int()) or len(pool.outputs) > 1:
        return None
    # A window in nothing but padding has no maximum, and runtimes refuse that there may be one.
    return pads if all(pad < size for pad, size in zip(pads, [*kernel, *kernel], strict=True)) else None


def _padded(rewrite: Rewrite, data: ir.Value, attributes: dict[str, Any]) -> ir.Value:
    if data.dtype in _FLOATS:
        return rewrite.add("Pad", [data], attributes)
    if rewrite.kind(data).itemsize == 8:
        rewrite.bound("Pad of 64-bit integers below 11: exact up to 2^53")
    wide = rewrite.add("Pad", [rewrite.add("Cast", [data], {"to": int(ir.DataType.DOUBLE)})], attributes)
    assert data.dtype is not None
    return rewrite.add("Cast", [wide], {"to": int(data.dtype)})


def _sliced(rewrite: Rewrite, data: ir.Value, axis: int, start: int, end: int) -> ir.Value:
    """``data`` from ``start`` up to ``end``, which counts from the back of ``axis``, 0 being all of it."""
    bounds = (start, end or np.iinfo(np.int32).max, axis)
    names = ("starts", "ends", "axes")
    inputs = [
        rewrite.initializer(np.array([bound], dtype=np.int64), name)
        for bound, name in zip(bounds, names, strict=True)
    ]
    return rewrite.add("Slice", [data, *inputs])


@adapts("Pad", 10, 11)
def pad_10_to_11(rewrite: Rewrite) -> None:
    """Pads and value become inputs, the latter of the type of the data."""
    data = rewrite.required(0)
    integers_to_input(rewrite, "pads", 1)
    if rewrite.text("mode", "constant") == "constant":
        rewrite.set_input(2, rewrite.number(rewrite.real("value", 0.0), data, "value"))
    rewrite.drop_attribute("value")
