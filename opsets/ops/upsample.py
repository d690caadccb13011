"""Upsample: deprecated at 10, ``scales`` an input at 9, one scale for each of height and width below 7."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.resampling import resampled
from opsets.families.resizing import Asked
from opsets.families.sampling import Axis
from opsets.ops.resize import oldest_sampling, says_the_same
from opsets.registry import adapts, refuses
from opsets.rewrite import Rewrite

refuses("Upsample", 10, 9, "it is deprecated from 10 on, where no valid model has it; use Resize")

OLDEST_TYPES = (
    ir.DataType.BOOL,
    ir.DataType.INT32,
    ir.DataType.INT64,
    ir.DataType.FLOAT16,
    ir.DataType.FLOAT,
    ir.DataType.DOUBLE,
)


@adapts("Upsample", 9, 8)
def upsample_9_to_8(rewrite: Rewrite) -> None:
    """Constant scales become the ``scales`` attribute."""
    scales = rewrite.constant(1, "scales")
    assert scales is not None
    rewrite.set_attribute("scales", [float(scale) for scale in scales.reshape(-1)])
    rewrite.keep_inputs(1)


@adapts("Upsample", 7, 6)
def upsample_7_to_6(rewrite: Rewrite) -> None:
    """Whole scales of height and width have attributes of their own; all else is spelt out."""
    data, mode = rewrite.required(0), rewrite.text("mode", "nearest")
    scales = list(rewrite.node.attributes["scales"].as_floats())
    lengths, sampling = rewrite.lengths(data), oldest_sampling(mode)
    axes = [
        Asked(place, old, _length(old, scale), scale)
        for place, (old, scale) in enumerate(zip(lengths, scales, strict=True))
    ]
    flat = len(scales) == 4 and scales[:2] == [1.0, 1.0] and data.dtype in OLDEST_TYPES
    if flat and says_the_same(sampling, axes):
        old_mode = "bilinear" if mode == "linear" else mode
        sides = {"height_scale": scales[2], "width_scale": scales[3], "mode": old_mode}
        rewrite.replace(rewrite.add("Upsample", [data], sides, shape=rewrite.node.outputs[0].shape))
        return
    touched: list[Axis] = [one.fixed() for one in axes if one.touched]
    if touched:
        rewrite.replace(resampled(rewrite, data, sampling, touched))
    else:
        rewrite.forward(data)


def _length(old: object, scale: float) -> object:
    """The new length, or the symbol of an axis that stays."""
    if isinstance(old, int):
        return int(np.float32(old) * np.float32(scale))
    return old if scale == 1.0 else None


@adapts("Upsample", 6, 7)
def upsample_6_to_7(rewrite: Rewrite) -> None:
    """One list of scales; the linear mode has another name."""
    scales = [1.0, 1.0, rewrite.real("height_scale", 0.0), rewrite.real("width_scale", 0.0)]
    rewrite.drop_attribute("height_scale")
    rewrite.drop_attribute("width_scale")
    rewrite.set_attribute("scales", scales)
    if rewrite.text("mode", "nearest") == "bilinear":
        rewrite.set_attribute("mode", "linear")


@adapts("Upsample", 8, 9)
def upsample_8_to_9(rewrite: Rewrite) -> None:
    """The scales become an input."""
    scales = np.array(rewrite.node.attributes["scales"].as_floats(), dtype=np.float32)
    rewrite.drop_attribute("scales")
    rewrite.set_input(1, rewrite.initializer(scales, "scales"))


@adapts("Upsample", 9, 10)
def upsample_9_to_10(rewrite: Rewrite) -> None:
    """Resize of 10 has the same inputs and modes."""
    attributes = {"mode": rewrite.text("mode", "nearest")}
    inputs = [rewrite.required(0), rewrite.required(1)]
    rewrite.replace(rewrite.add("Resize", inputs, attributes, shape=rewrite.node.outputs[0].shape))
