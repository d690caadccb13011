"""BitwiseAnd, BitwiseNot, BitwiseOr and BitwiseXor: new at 18."""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.registry import adapts, refuses
from opsets.rewrite import Rewrite

for operator in ("And", "Or", "Xor"):
    refuses(f"Bitwise{operator}", 18, 17, "no older operator combines the bits of integers")


@adapts("BitwiseNot", 18, 17)
def bitwise_not_18_to_17(rewrite: Rewrite) -> None:
    """``-1 - x`` where integers have a sign, and the largest one less ``x`` where they have none."""
    data = rewrite.required(0)
    kind = rewrite.kind(data)
    if kind.kind not in "iu":
        raise CannotAdapt(f"its input is {kind}")
    all_bits = -1 if kind.kind == "i" else 2 ** (8 * kind.itemsize) - 1
    rewrite.replace(rewrite.add("Sub", [rewrite.number(all_bits, data, "all_bits"), data]))
