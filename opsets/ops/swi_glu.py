"""SwiGLU: new at 28."""

from __future__ import annotations

from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("SwiGLU", 28, 27)
def swi_glu_28_to_27(rewrite: Rewrite) -> None:
    """``swish(a) * b``, which is the operator's definition."""
    gate = rewrite.add("Swish", [rewrite.required(0)], {"alpha": rewrite.real("alpha", 1.0)})
    rewrite.replace(rewrite.add("Mul", [gate, rewrite.required(1)]))
