"""MeanVarianceNormalization: new at 9; 13 changed only the accepted types."""

from __future__ import annotations

from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("MeanVarianceNormalization", 13, 12, "only the accepted types changed")


@adapts("MeanVarianceNormalization", 9, 8)
def mean_variance_normalization_9_to_8(rewrite: Rewrite) -> None:
    """Mean and deviation spelt out; the variance is the mean of the squared distances from the mean.

    More exact than the operator's own definition, which subtracts the square of the mean from the
    mean of the squares; the deviation gets 1e-9 added, as there.
    """
    data = rewrite.required(0)
    over = {"axes": rewrite.integers("axes") or [0, 2, 3], "keepdims": 1}
    centred = rewrite.add("Sub", [data, rewrite.add("ReduceMean", [data], over)])
    variance = rewrite.add("ReduceMean", [rewrite.add("Mul", [centred, centred])], over)
    smallest = rewrite.number(1e-9, data, "smallest")
    deviation = rewrite.add("Add", [rewrite.add("Sqrt", [variance]), smallest])
    rewrite.replace(rewrite.add("Div", [centred, deviation]))
