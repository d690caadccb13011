"""Conv: 11 changed only the wording, 22 only the accepted types."""

from __future__ import annotations

from opsets.families.types import WHY
from opsets.families.windows import explicit_padding
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("Conv", 22, 21, WHY)


@adapts("Conv", 11, 10)
def conv_11_to_10(rewrite: Rewrite) -> None:
    """Nothing changed; ``auto_pad`` is written out where lengths are fixed, as old runtimes get it wrong."""
    weight = rewrite.required(1)
    kernel = rewrite.lengths(weight)[2:] if weight.shape is not None else []
    if rewrite.has("kernel_shape") or all(isinstance(length, int) for length in kernel):
        explicit_padding(rewrite, kernel)
