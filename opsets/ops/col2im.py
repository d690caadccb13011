"""Col2Im: new at 18."""

from __future__ import annotations

from math import prod

import numpy as np

from opsets.errors import CannotAdapt
from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Col2Im", 18, 17)
def col2im_18_to_17(rewrite: Rewrite) -> None:
    """A ConvTranspose, channel by channel, whose kernels each put one element of a block in its place."""
    data = rewrite.required(0)
    image, block = rewrite.constant(1, "image shape"), rewrite.constant(2, "block shape")
    assert image is not None
    assert block is not None
    rank, size = len(image), int(np.prod(block))
    strides = rewrite.integers("strides") or [1] * rank
    dilations = rewrite.integers("dilations") or [1] * rank
    pads = rewrite.integers("pads") or [0] * (2 * rank)
    room = image + pads[:rank] + pads[rank:] - (block - 1) * dilations - 1
    counts = [int(count) for count in room // strides + 1]
    columns = rewrite.length(data, 1)
    if columns % size or prod(counts) != rewrite.length(data, 2):
        raise CannotAdapt(f"its blocks {block.tolist()} do not make an image of {image.tolist()}")
    batch, channels = rewrite.lengths(data)[0], columns // size
    blocks = reshape(rewrite, data, [batch * channels, size, *counts])
    kernels = np.eye(size, dtype=rewrite.kind(data)).reshape(size, 1, *(int(length) for length in block))
    attributes = {
        "strides": strides,
        "dilations": dilations,
        "pads": pads,
        "output_padding": [int(rest) for rest in room % strides],
        "kernel_shape": [int(length) for length in block],
    }
    folded = rewrite.add("ConvTranspose", [blocks, rewrite.initializer(kernels, "kernels")], attributes)
    lengths = [batch, channels, *(int(length) for length in image)]
    rewrite.replace(reshape(rewrite, folded, lengths))
