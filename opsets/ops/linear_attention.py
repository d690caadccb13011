"""LinearAttention: new at 27."""

from __future__ import annotations

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("LinearAttention", 27, 26)
def linear_attention_27_to_26(rewrite: Rewrite) -> None:
    """A Scan over the steps in time, which is the operator's definition, in operators that 27 left alone."""
    output, state = rewrite.definition()
    if rewrite.is_used(1):
        rewrite.replace(output, state)
    else:
        rewrite.replace(output)
