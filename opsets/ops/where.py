"""Where: new at 9; 16 changed only the accepted types."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.arithmetic import NARROW
from opsets.families.copies import cast
from opsets.registry import adapts
from opsets.rewrite import Rewrite

Mask = npt.NDArray[np.bool_]


@adapts("Where", 9, 8)
def where_9_to_8(rewrite: Rewrite) -> None:
    """The sum of both branches, each 0 where it is not taken.

    Exact where both branches are finite (signs of zero aside), and where constants are infinite. A
    computed branch is multiplied by 0 where it is not taken, which an infinity or NaN does not survive.
    """
    condition, yes, no = (rewrite.required(index) for index in range(3))
    kind = yes.dtype
    if yes.dtype == ir.DataType.BOOL:
        other = rewrite.add("And", [rewrite.add("Not", [condition]), no])
        rewrite.replace(rewrite.add("Or", [rewrite.add("And", [condition, yes]), other]))
        return
    mask = rewrite.constant_or_none(condition)
    if mask is not None and (mask.all() or not mask.any()):
        taken = yes if mask.all() else no
        if rewrite.lengths(taken) == rewrite.lengths(rewrite.node.outputs[0]):
            rewrite.forward(taken)
            return
    if kind in NARROW:
        yes, no = (cast(rewrite, value, ir.DataType.INT32) for value in (yes, no))
    branches = [_Branch(rewrite, yes, condition, mask, True), _Branch(rewrite, no, condition, mask, False)]
    if branches[0].is_infinite:
        first, second = branches[0].term(), no
    elif branches[1].is_infinite:
        first, second = yes, branches[1].term()
    else:
        first, second = (branch.term() for branch in branches)
    result = rewrite.add("Add", [first, second])
    rewrite.replace(cast(rewrite, result, kind) if kind in NARROW else result)


class _Branch:
    """One of the two values, and where it is taken."""

    def __init__(
        self, rewrite: Rewrite, value: ir.Value, condition: ir.Value, mask: Mask | None, taken: bool
    ) -> None:
        self._rewrite, self._value, self._condition, self._taken = rewrite, value, condition, taken
        self._mask = mask if mask is None or taken else ~mask
        self._array = rewrite.constant_or_none(value)
        self.is_infinite = self._array is not None and bool(np.isinf(self._array).all())
        """Whether it is infinite everywhere, so that it may be added to any finite number."""

    def term(self) -> ir.Value:
        """The value where it is taken and 0 elsewhere."""
        rewrite, array = self._rewrite, self._array
        if array is not None and self._mask is not None:
            chosen = np.where(self._mask, array, np.zeros((), array.dtype))
            return rewrite.initializer(chosen, "chosen")
        if array is not None and not np.isfinite(array).all():
            return self._infinite(array)
        if array is None and self._value.dtype is not None and self._value.dtype.is_floating_point():
            rewrite.bound("Where below 9: a branch is to be finite where it is not taken")
        return rewrite.add("Mul", [self._value, self._numbers(self._taken)])

    def _numbers(self, of: bool) -> ir.Value:
        """1 where the condition is ``of``, 0 elsewhere, in the type of the value."""
        rewrite = self._rewrite
        if self._mask is not None:
            mask = self._mask if of == self._taken else ~self._mask
            return rewrite.initializer(mask.astype(rewrite.kind(self._value)), "mask")
        assert self._value.dtype is not None
        condition = self._condition if of else rewrite.add("Not", [self._condition])
        return rewrite.add("Cast", [condition], {"to": int(self._value.dtype)})

    def _infinite(self, array: npt.NDArray[np.floating]) -> ir.Value:
        """An infinite constant under a computed condition: the logarithm of 1 is 0, of 0 minus infinity."""
        signs = np.unique(array)
        if len(signs) != 1 or np.isnan(signs).any():
            raise CannotAdapt(
                f"{self._value.name} is infinite or NaN in places, and its condition is computed"
            )
        term = self._rewrite.add("Log", [self._numbers(not self._taken)])
        term = term if signs[0] < 0 else self._rewrite.add("Neg", [term])
        if array.size == 1:
            return term
        zeros = self._rewrite.initializer(np.zeros_like(array), "zeros")  # of the constant's shape
        return self._rewrite.add("Add", [term, zeros])
