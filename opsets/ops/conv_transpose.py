"""ConvTranspose: 22 changed only the accepted types.

Below 11 the odd element of a padding that is worked out goes to the other side, says the onnx package,
and onnxruntime does not follow it there; so such a padding is written out.
"""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("ConvTranspose", 22, 21, WHY)


@adapts("ConvTranspose", 11, 10)
@adapts("ConvTranspose", 10, 11)
def explicit_pads(rewrite: Rewrite) -> None:
    """Exact: ``output_shape`` and ``auto_pad`` become ``pads``, as onnxruntime works them out."""
    automatic, shape = rewrite.text("auto_pad", "NOTSET"), rewrite.integers("output_shape")
    if automatic == "NOTSET" and shape is None:
        return
    data, weight = rewrite.required(0), rewrite.required(1)
    kernel = rewrite.integers("kernel_shape") or [
        rewrite.length(weight, axis) for axis in range(2, rewrite.rank(weight))
    ]
    before, after, extra = [], [], rewrite.integers("output_padding") or [0] * len(kernel)
    if automatic.startswith("SAME") and shape is None and any(extra):
        raise CannotAdapt("runtimes do not agree on output_padding beside auto_pad; give it pads")
    strides = rewrite.integers("strides") or [1] * len(kernel)
    dilations = rewrite.integers("dilations") or [1] * len(kernel)
    for axis, stride in enumerate(strides):
        total = (kernel[axis] - 1) * dilations[axis] + 1 - stride
        if shape is not None:
            wanted = shape[-len(kernel) :][axis]
            total += stride * rewrite.length(data, 2 + axis) + extra[axis] - wanted
            extra[axis] += max(-total, 0)
            if extra[axis] >= max(stride, dilations[axis]):
                raise CannotAdapt(f"its output_shape {shape} is larger than any padding of the output allows")
        elif automatic == "VALID":
            total = 0
        total = max(total, 0)
        small = total // 2
        before.append(small if automatic == "SAME_UPPER" else total - small)
        after.append(total - before[-1])
    rewrite.drop_attribute("auto_pad")
    rewrite.drop_attribute("output_shape")
    rewrite.set_attribute("pads", before + after)
    if any(extra):
        rewrite.set_attribute("output_padding", extra)
