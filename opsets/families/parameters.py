"""Parameters that are attributes in an older form and inputs in a newer one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from opsets.rewrite import Rewrite


def integers_to_input(rewrite: Rewrite, name: str, index: int) -> None:
    """Let the integers of the attribute ``name`` be input ``index``, where they are given."""
    numbers = rewrite.integers(name)
    rewrite.drop_attribute(name)
    if numbers is not None:
        rewrite.set_input(index, rewrite.initializer(np.array(numbers, dtype=np.int64), name))


def to_input(name: str, index: int = 1) -> Callable[[Rewrite], None]:
    """An adapter for an operator whose attribute ``name``, of integers, is input ``index``."""

    def adapter(rewrite: Rewrite) -> None:
        integers_to_input(rewrite, name, index)

    adapter.__doc__ = f"The attribute ``{name}`` becomes an input."
    return adapter
