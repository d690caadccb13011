"""MatMul: integers since 9; 13 changed only the accepted types."""

from __future__ import annotations

from opsets.families.integers import in_double, is_integer
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("MatMul", 9, 8)
def mat_mul_9_to_8(rewrite: Rewrite) -> None:
    """Integers are multiplied as doubles: exact while every sum stays below 2**53, and no longer modular."""
    if is_integer(rewrite.required(0)):
        in_double(rewrite)
