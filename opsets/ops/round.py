"""Round: new at 11."""

from __future__ import annotations

from opsets.families.arithmetic import with_number
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@adapts("Round", 11, 10)
def round_11_to_10(rewrite: Rewrite) -> None:
    """To the nearest integer, halves to the even one: exact for finite numbers, NaN for infinities.

    Of the rest above the floor, ``up`` is 1 above a half; ``down`` as well at a half, where 1 is added
    to an odd floor only. Adding and taking away a large number would be shorter, but optimisers drop it.
    """
    data = rewrite.required(0)
    floor = rewrite.add("Floor", [data])
    rest = rewrite.add("Sub", [data, floor])
    up = rewrite.add("Ceil", [with_number(rewrite, "Sub", rest, 0.5, "half")])
    down = rewrite.add("Floor", [with_number(rewrite, "Add", rest, 0.5, "half")])
    halves = rewrite.add("Floor", [with_number(rewrite, "Mul", floor, 0.5, "half")])
    odd = rewrite.add("Sub", [floor, rewrite.add("Add", [halves, halves])])
    tie = rewrite.add("Mul", [rewrite.add("Sub", [down, up]), odd])
    rewrite.bound("Round below 11: NaN for infinities")
    rewrite.replace(rewrite.add("Add", [rewrite.add("Add", [floor, up]), tie]))
