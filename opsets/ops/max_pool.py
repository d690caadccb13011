"""MaxPool: 8-bit integers since 12, ``ceil_mode`` and ``dilations`` since 10, indices since 8.

11 changed nothing but the wording, 22 the accepted types and when the last window is left out.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.windows import (
    Window,
    explicit_padding,
    is_misread_below_22,
    pool_attributes,
    refuse_same_with_dilations,
    side_by_side,
    windows,
    write_pads,
)
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("MaxPool", 11, 10, "only the wording changed")


@adapts("MaxPool", 22, 21)
def max_pool_22_to_21(rewrite: Rewrite) -> None:
    """Where the last window would start in the padding, pads say what ``ceil_mode`` says only since 22."""
    if is_misread_below_22(rewrite):
        _plain(rewrite)


@adapts("MaxPool", 12, 11)
def max_pool_12_to_11(rewrite: Rewrite) -> None:
    """Exact: floats hold every 8-bit integer."""
    data = rewrite.required(0)
    if data.dtype not in (ir.DataType.INT8, ir.DataType.UINT8):
        return
    attributes = {name: attribute.value for name, attribute in rewrite.node.attributes.items()}
    floats = rewrite.add("Cast", [data], {"to": ir.DataType.FLOAT.value})
    outputs = rewrite.add_many("MaxPool", [floats], attributes, len(rewrite.node.outputs))
    back = rewrite.add("Cast", [outputs[0]], {"to": data.dtype.value})
    rewrite.replace(back, *outputs[1:])


@adapts("MaxPool", 10, 9)
def max_pool_10_to_9(rewrite: Rewrite) -> None:
    """Exact: ``ceil_mode`` becomes more padding at the end; dilated windows are laid side by side first."""
    if not rewrite.integer("ceil_mode", 0) and max(rewrite.integers("dilations") or [1]) == 1:
        rewrite.drop_attribute("ceil_mode")
        rewrite.drop_attribute("dilations")
        explicit_padding(rewrite)
    else:
        _plain(rewrite)


def _plain(rewrite: Rewrite) -> None:
    """Say the windows without ``ceil_mode`` and ``dilations``."""
    along = windows(rewrite)
    refuse_same_with_dilations(rewrite, along)
    if all(window.dilation == 1 for window in along):
        write_pads(rewrite, [window.without_ceil() for window in along])
        rewrite.drop_attribute("dilations")
        return
    if rewrite.is_used(1):
        raise CannotAdapt("its indices are used, and it is dilated")
    data = rewrite.required(0)
    for index, window in enumerate(along):
        if window.dilation > 1:
            data, along[index] = _contiguous(rewrite, data, 2 + index, window)
    attributes = pool_attributes(rewrite, [window.without_ceil() for window in along], ())
    rewrite.keep_outputs(1)
    rewrite.replace(rewrite.add("MaxPool", [data], attributes, shape=rewrite.node.outputs[0].shape))


def _contiguous(rewrite: Rewrite, data: ir.Value, axis: int, window: Window) -> tuple[ir.Value, Window]:
    """Copy each window's elements out one behind the other; for padding, one that it has already."""
    rewrite.length(data, axis)
    positions = window.positions()
    inside = (positions >= 0) & (positions < (window.length or 0))
    if not inside.any(axis=1).all():
        raise CannotAdapt("one of its windows sees nothing but padding")
    first = np.take_along_axis(positions, inside.argmax(axis=1)[:, None], axis=1)
    filled = np.where(inside, positions, first)
    indices = rewrite.initializer(filled.reshape(-1), "positions")
    copied = rewrite.add("Gather", [data, indices], {"axis": axis})
    return copied, side_by_side(window)


@adapts("MaxPool", 8, 7)
def max_pool_8_to_7(rewrite: Rewrite) -> None:
    """Below 8 there are no indices; their ``storage_order`` matters to nothing else."""
    rewrite.keep_outputs(1)
    rewrite.drop_attribute("storage_order")
