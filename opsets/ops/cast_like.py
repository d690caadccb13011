"""CastLike: new at 15; ``saturate`` since 19 and ``round_mode`` since 24, both for 8-bit floats alone."""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("CastLike", 15, 14)
def cast_like_15_to_14(rewrite: Rewrite) -> None:
    """A Cast to the type that the second input is known to have."""
    like = rewrite.required(1)
    if like.dtype is None:
        raise CannotAdapt(f"the type of {like.name} is not known")
    rewrite.replace(rewrite.add("Cast", [rewrite.required(0)], {"to": int(like.dtype)}))


@adapts("CastLike", 24, 23)
def cast_like_24_to_23(rewrite: Rewrite) -> None:
    """``round_mode`` decides nothing but casts to float8e8m0, a type that 23 does not have."""
    rewrite.drop_attribute("round_mode")


@adapts("CastLike", 19, 18)
def cast_like_19_to_18(rewrite: Rewrite) -> None:
    """``saturate`` decides nothing but casts to 8-bit floats, types that 18 does not have."""
    rewrite.drop_attribute("saturate")
