"""InstanceNormalization: any number of axes since 6; 22 changed only the accepted types."""

from __future__ import annotations

from opsets.families.images import as_image
from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("InstanceNormalization", 22, 21, WHY)


@adapts("InstanceNormalization", 6, 5)
def instance_normalization_6_to_5(rewrite: Rewrite) -> None:
    """Exact: below 6 the data is an image, and other data is laid out as one."""
    if rewrite.rank(rewrite.required(0)) != 4:
        as_image(rewrite, {"epsilon": rewrite.real("epsilon", 1e-5)})
