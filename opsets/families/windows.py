"""Windows that slide along the axes of an image: what convolutions and pools share.

Checked against onnxruntime and torch: with ``ceil_mode`` a last window that would start in the padding
behind the image is left out, in every opset, though the onnx package says so only since 22.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite


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
    def count(self) -> int:
        """The number of windows along an axis of fixed length."""
        assert self.length is not None
        room = self.length + self.before + self.after - self.extent
        count = (-(-room // self.stride) if self.ceil else room // self.stride) + 1
        if self.ceil and (count - 1) * self.stride >= self.length + self.before:
            count -= 1
        return count

    def positions(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
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
    result = [
        Window(lengths[axis], kernel[axis], strides[axis], dilations[axis], pads[axis], pads[axes + axis], ceil)
        for axis in range(axes)
    ]
    if automatic.startswith("SAME"):
        return [_same(window, automatic == "SAME_UPPER") for window in result]
    return result


def _same(window: Window, upper: bool) -> Window:
    """Padded so that there are as many windows as strides fit into the axis, the odd one at the end if ``upper``."""
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
    """Let the node say the padding in ``pads``, without ``auto_pad`` and, where no window needs it, ``ceil_mode``."""
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


def drop_idle_ceil(rewrite: Rewrite) -> None:
    """Drop ``ceil_mode`` where the last window would start in the padding: forms below 22 infer it wrongly."""
    if not rewrite.integer("ceil_mode", 0) or rewrite.text("auto_pad", "NOTSET").startswith("SAME"):
        return
    along = windows(rewrite)
    if any(window.length is None for window in along):
        return
    without = [replace(window, ceil=False) for window in along]
    if all(window.count == plain.count for window, plain in zip(along, without, strict=True)):
        rewrite.drop_attribute("ceil_mode")
    elif any(_skips_last(window) for window in along):
        write_pads(rewrite, [window.without_ceil() for window in along])


def _skips_last(window: Window) -> bool:
    assert window.length is not None
    room = window.length + window.before + window.after - window.extent
    return window.count != -(-room // window.stride) + 1


def zero_padded(rewrite: Rewrite, data: ir.Value, along: list[Window]) -> ir.Value:
    """``data`` with zeros around it, as the windows ask for; itself where they ask for none."""
    before, after = [window.before for window in along], [window.after for window in along]
    pads = [0, 0, *before, 0, 0, *after]
    if not any(pads):
        return data
    if rewrite.opset >= 11:
        return rewrite.add("Pad", [data, rewrite.initializer(np.array(pads, dtype=np.int64), "pads")])
    return rewrite.add("Pad", [data], {"pads": pads})


def laid_side_by_side(rewrite: Rewrite, data: ir.Value, axis: int, window: Window) -> ir.Value:
    """``data`` with the windows along ``axis`` copied out one behind the other; positions are inside the axis."""
    return rewrite.add(
        "Gather", [data, rewrite.initializer(window.positions().reshape(-1), "positions")], {"axis": axis}
    )


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
