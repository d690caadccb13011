"""NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: new at 12; 13 changed only the accepted types."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.shapes import reshape
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

for name in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"):
    alike(name, 13, 12, "only the accepted types changed")


@adapts("NegativeLogLikelihoodLoss", 12, 11)
def negative_log_likelihood_loss_12_to_11(rewrite: Rewrite) -> None:
    """The log-probability of the target is chosen by comparison with each class; exact but for rounding."""
    rewrite.replace(_loss(rewrite, rewrite.required(0)))


@adapts("SoftmaxCrossEntropyLoss", 12, 11)
def softmax_cross_entropy_loss_12_to_11(rewrite: Rewrite) -> None:
    """LogSoftmax over the classes, then the loss of it; exact but for rounding."""
    scores = rewrite.required(0)
    rank = rewrite.rank(scores)
    order = list(range(rank))
    order[1], order[-1] = order[-1], order[1]  # LogSoftmax flattens all axes from its own on
    last = rewrite.add("Transpose", [scores], {"perm": order}) if rank > 2 else scores
    logs = rewrite.add("LogSoftmax", [last], {"axis": rank - 1})
    if rank > 2:
        logs = rewrite.add("Transpose", [logs], {"perm": order})
    loss = _loss(rewrite, logs)
    if rewrite.is_used(1):
        rewrite.replace(loss, logs)
    else:
        rewrite.replace(loss)


def _loss(rewrite: Rewrite, logs: ir.Value) -> ir.Value:
    """The loss of log-probabilities (N, C, ...) and the node's targets (N, ...), reduced as it asks."""
    reduction = rewrite.text("reduction", "mean")
    chosen, weights = _chosen(rewrite, logs), _weights(rewrite, logs)
    zero = rewrite.number(0, logs, "zero")
    weighted = logs if weights is None else rewrite.add("Mul", [logs, weights])
    picked = rewrite.add("Where", [chosen, weighted, zero])
    samples = rewrite.add("Neg", [rewrite.add("ReduceSum", [picked], {"axes": [1], "keepdims": 0})])
    if reduction == "none":
        return samples
    if reduction == "mean" and weights is None:
        return rewrite.add("ReduceMean", [samples], {"keepdims": 0})
    total = rewrite.add("ReduceSum", [samples], {"keepdims": 0})
    if reduction == "sum":
        return total
    assert weights is not None
    counted = rewrite.add("ReduceSum", [rewrite.add("Where", [chosen, weights, zero])], {"keepdims": 0})
    return rewrite.add("Div", [total, counted])


def _chosen(rewrite: Rewrite, logs: ir.Value) -> ir.Value:
    """Where (N, C, ...) the class is the target; no class is where the target is none."""
    target, rank = rewrite.required(1), rewrite.rank(logs)
    count = rewrite.length(logs, 1)
    classes = np.arange(count, dtype=rewrite.kind(target)).reshape(count, *[1] * (rank - 2))
    targets = rewrite.add("Unsqueeze", [target], {"axes": [1]})
    return rewrite.add("Equal", [targets, rewrite.initializer(classes, "classes")])


def _weights(rewrite: Rewrite, logs: ir.Value) -> ir.Value | None:
    """The weight of each class (C, 1, ...), 0 for the one that is ignored; None where all are 1."""
    given, rank = rewrite.input(2), rewrite.rank(logs)
    ignored = rewrite.integer("ignore_index", 0) if rewrite.has("ignore_index") else None
    if given is None and ignored is None:
        return None
    count = rewrite.length(logs, 1)
    mask = np.ones((count, *[1] * (rank - 2)), dtype=rewrite.kind(logs))
    if ignored is not None and 0 <= ignored < count:
        mask[ignored] = 0
    kept = rewrite.initializer(mask, "kept")
    if given is None:
        return kept
    if rewrite.lengths(given) != [count]:
        raise CannotAdapt(f"its weights are not {count}, one for each class")
    return rewrite.add("Mul", [reshape(rewrite, given, list(mask.shape)), kept])
