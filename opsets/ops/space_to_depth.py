"""SpaceToDepth: ``mode`` since 28; 13 changed only the accepted types."""

from __future__ import annotations

from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("SpaceToDepth", 28, 27)
def space_to_depth_28_to_27(rewrite: Rewrite) -> None:
    """DCR is what the older form does; CRD is spelt by Reshape and Transpose, as its definition has it."""
    mode, block = rewrite.text("mode", "DCR"), rewrite.integer("blocksize", 1)
    rewrite.drop_attribute("mode")
    if mode == "DCR":
        return
    data = rewrite.required(0)
    batch, channels = rewrite.lengths(data)[:2]
    height, width = rewrite.length(data, 2) // block, rewrite.length(data, 3) // block
    split = reshape(rewrite, data, [batch, channels, height, block, width, block])
    moved = rewrite.add("Transpose", [split], {"perm": [0, 1, 3, 5, 2, 4]})
    rewrite.replace(reshape(rewrite, moved, [batch, channels * block**2, height, width]))
