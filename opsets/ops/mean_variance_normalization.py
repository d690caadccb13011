"""MeanVarianceNormalization: new at 9; 13 changed only the accepted types."""

from __future__ import annotations

from opsets.registry import adapts, unchanged
from opsets.rewrite import Rewrite

unchanged("MeanVarianceNormalization", 13, 12, "only the accepted types changed")


@adapts("MeanVarianceNormalization", 12, 13)
def mean_variance_normalization_12_to_13(rewrite: Rewrite) -> None:
    """Axes that are left out are written, as the newer form has a definition that does without a default."""
    rewrite.set_attribute("axes", rewrite.integers("axes") or [0, 2, 3])


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
