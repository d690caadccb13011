"""Windows that slide along the axes of an image: what convolutions and pools share.

Checked against onnxruntime and torch: with ``ceil_mode`` a last window that would start in the padding
behind the image is left out, in every opset, though the onnx package says so only since 22.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.rewrite import Rewrite


@dataclass(frozen=True)
class Window:
    """How windows slide along one axis; all in elements."""

    length: int | None
    """Of the axis; None where it is not fixed."""
    kernel: int
    stride: int
    dilation: int
    before: int
    """Padding."""
    after: int
    ceil: bool
    """Whether a last window may reach behind the padding."""

    @property
    def extent(self) -> int:
        """From the first to the last element of a window."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def _fitting(self) -> int:
        """The number of windows along an axis of fixed length, wherever the last one starts."""
        assert self.length is not None
        room = self.length + self.before + self.after - self.extent
        return (-(-room // self.stride) if self.ceil else room // self.stride) + 1

    @property
    def leaves_out(self) -> bool:
        """Whether the last window would start in the padding, and is left out."""
        assert self.length is not None
        return self.ceil and (self._fitting - 1) * self.stride >= self.length + self.before

    @property
    def count(self) -> int:
        """The number of windows along an axis of fixed length."""
        return self._fitting - self.leaves_out

    def positions(self) -> npt.NDArray[np.int64]:
        """The elements that each window sees, windows × kernel; those outside the axis are padding."""
        starts = np.arange(self.count, dtype=np.int64)[:, None] * self.stride - self.before
        return starts + np.arange(self.kernel, dtype=np.int64) * self.dilation

    def without_ceil(self) -> Window:
        """The same windows, padded so that none reaches behind the padding."""
        if not self.ceil:
            return self
        if self.length is not None:
            after = (self.count - 1) * self.stride + self.extent - self.length - self.before
            return replace(self, after=max(after, 0), ceil=False)
        if self.stride == 1:
            return replace(self, ceil=False)
        if self.extent < self.stride + self.after:
            raise CannotAdapt(
                "its ceil_mode asks for a padding that depends on a length that is not fixed; "
                "export the model with a fixed height and width"
            )
        # The last window starts inside whatever the length is: one stride more of padding rounds up.
        return replace(self, after=self.after + self.stride - 1, ceil=False)


def windows(rewrite: Rewrite, kernel: list[int] | None = None) -> list[Window]:
    """The windows along each axis from the third on; ``auto_pad`` is worked out.

    ``kernel`` stands in for ``kernel_shape``. Raises :class:`CannotAdapt` where ``auto_pad`` depends on
    a length that is not fixed.
    """
    data = rewrite.required(0)
    kernel = rewrite.integers("kernel_shape") or kernel
    assert kernel is not None
    axes = len(kernel)
    ones = [1] * axes
    lengths = [length if isinstance(length, int) else None for length in rewrite.lengths(data)[2:]]
    strides, dilations = rewrite.integers("strides") or ones, rewrite.integers("dilations") or ones
    automatic = rewrite.text("auto_pad", "NOTSET")
    pads = (rewrite.integers("pads") if automatic == "NOTSET" else None) or [0] * (2 * axes)
    ceil = bool(rewrite.integer("ceil_mode", 0))
    columns = zip(lengths, kernel, strides, dilations, pads[:axes], pads[axes:], strict=True)
    result = [
        Window(length, own, stride, dilation, before, after, ceil)
        for length, own, stride, dilation, before, after in columns
    ]
    if automatic.startswith("SAME"):
        return [_same(window, automatic == "SAME_UPPER") for window in result]
    return result


def _same(window: Window, upper: bool) -> Window:
    """Padded so that each stride has its window; an odd element goes behind if ``upper``, else before."""
    if window.stride == 1:
        total = window.extent - 1
    elif window.length is None:
        raise CannotAdapt(
            "its auto_pad depends on a length that is not fixed; export the model with explicit pads"
        )
    else:
        count = -(-window.length // window.stride)
        total = max((count - 1) * window.stride + window.extent - window.length, 0)
    before = total // 2 if upper else total - total // 2
    return replace(window, before=before, after=total - before, ceil=False)


def pads_of(along: list[Window]) -> list[int]:
    """The ``pads`` attribute: all that stand before, then all after."""
    return [window.before for window in along] + [window.after for window in along]


def write_pads(rewrite: Rewrite, along: list[Window]) -> None:
    """Say the padding in ``pads``, without ``auto_pad`` and, where no window needs it, ``ceil_mode``."""
    pads = pads_of(along)
    if any(pads):
        if rewrite.integers("pads") != pads:
            rewrite.set_attribute("pads", pads)
    else:
        rewrite.drop_attribute("pads")
    rewrite.drop_attribute("auto_pad")
    if not any(window.ceil for window in along):
        rewrite.drop_attribute("ceil_mode")


def explicit_padding(rewrite: Rewrite, kernel: list[int] | None = None) -> None:
    """Write ``auto_pad`` as ``pads`` where the lengths are fixed: not every old runtime knows it."""
    if not rewrite.has("auto_pad"):
        return
    try:
        along = windows(rewrite, kernel)
    except CannotAdapt:
        return  # auto_pad exists in every opset
    write_pads(rewrite, along)


def refuse_same_with_dilations(rewrite: Rewrite, along: list[Window]) -> None:
    """Runtimes do not agree on whether ``SAME`` counts the gaps of dilated windows in."""
    dilated = any(window.dilation > 1 for window in along)
    if dilated and rewrite.text("auto_pad", "NOTSET").startswith("SAME"):
        raise CannotAdapt("its auto_pad with dilations is not computed alike by all runtimes; give it pads")


def is_misread_below_22(rewrite: Rewrite) -> bool:
    """Whether ``ceil_mode`` leaves out a last window, which the onnx package infers only since 22."""
    if not rewrite.integer("ceil_mode", 0) or rewrite.text("auto_pad", "NOTSET").startswith("SAME"):
        return False
    return any(window.length is not None and window.leaves_out for window in windows(rewrite))


def zero_padded(rewrite: Rewrite, data: ir.Value, pads: list[int]) -> ir.Value:
    """``data`` with zeros around its spatial axes; itself where ``pads`` asks for none."""
    if not any(pads):
        return data
    axes = len(pads) // 2
    every = [0, 0, *pads[:axes], 0, 0, *pads[axes:]]
    if rewrite.opset >= 11:
        return rewrite.add("Pad", [data, rewrite.initializer(np.array(every, dtype=np.int64), "pads")])
    return rewrite.add("Pad", [data], {"pads": every})


def side_by_side(window: Window) -> Window:
    """How the windows slide once their elements are copied out one window behind the other."""
    return Window(window.count * window.kernel, window.kernel, window.kernel, 1, 0, 0, False)


def copied_side_by_side(rewrite: Rewrite, data: ir.Value, index: int, window: Window) -> ir.Value:
    """Copy each window's elements along a spatial axis out one behind the other; zeros for padding."""
    rewrite.length(data, 2 + index)
    positions = window.positions()
    end = max(int(positions.max()) + 1 - (window.length or 0), 0)
    axes = rewrite.rank(data) - 2
    pads = [0] * (2 * axes)
    pads[index], pads[axes + index] = window.before, end
    padded = zero_padded(rewrite, data, pads)
    indices = rewrite.initializer((positions + window.before).reshape(-1), "positions")
    return rewrite.add("Gather", [padded, indices], {"axis": 2 + index})


def pool_attributes(rewrite: Rewrite, along: list[Window], names: tuple[str, ...]) -> dict[str, Any]:
    """The attributes of a pool with these windows, and the node's own ``names`` as they are."""
    attributes: dict[str, Any] = {
        "kernel_shape": [window.kernel for window in along],
        "strides": [window.stride for window in along],
    }
    if any(pads_of(along)):
        attributes["pads"] = pads_of(along)
    attributes |= {name: rewrite.node.attributes[name].value for name in names if rewrite.has(name)}
    return attributes
