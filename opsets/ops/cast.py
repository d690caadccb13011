"""Cast: ``round_mode`` since 24 and ``saturate`` since 19, both for 8-bit floats alone."""

from __future__ import annotations

from opsets.graph import Rewrite
from opsets.registry import adapts


@adapts("Cast", 24, 23)
def cast_24_to_23(rewrite: Rewrite) -> None:
    """``round_mode`` decides nothing but casts to float8e8m0, a type that 23 does not have."""
    rewrite.drop_attribute("round_mode")


@adapts("Cast", 19, 18)
def cast_19_to_18(rewrite: Rewrite) -> None:
    """``saturate`` decides nothing but casts to 8-bit floats, types that 18 does not have."""
    rewrite.drop_attribute("saturate")
