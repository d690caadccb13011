"""Whether reference logits are fit to be compared with: agreement on dead logits proves nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from parity.compare import Array, Tolerance

SMALLEST_SPREAD = 1e-6
"""Logits that differ by less than this, whatever their size, belong to no trained classifier: fresh
networks were seen to answer with 5e-16, which are rounding errors around nothing."""

SMALLEST_SHARE = 1e-3
"""Spread over the largest logit, ten times what the default gate forgives and a hundred times the
rounding errors that runtimes were seen to make."""


def lifeless(references: Mapping[str, Array], tolerance: Tolerance, *, inputs: bool = True) -> str:
    """Say why no verdict can rest on these reference logits, or an empty string where one can.

    ``references`` are all data sets of one model, float32 (N, classes) each, which are judged
    together. The spread asked for grows with ``tolerance``, so that no constant output could pass.
    ``inputs`` is whether they have to depend on the input, of which a single row shows nothing.
    """
    broken = _broken(references)
    if broken:
        return broken
    rows = np.concatenate(list(references.values())).astype(np.float64)
    largest = float(np.abs(rows).max())
    needed = max(SMALLEST_SPREAD, largest * max(SMALLEST_SHARE, 2 * tolerance.relative))
    over_classes = float((rows.max(axis=1) - rows.min(axis=1)).max())
    if rows.shape[1] > 1 and over_classes < needed:
        return _too_small("the reference logits of all classes are nearly the same", over_classes, needed)
    over_inputs = float((rows.max(axis=0) - rows.min(axis=0)).max())
    if inputs and over_inputs < needed:
        return _too_small("the reference logits hardly depend on the input", over_inputs, needed)
    return ""


def _broken(references: Mapping[str, Array]) -> str:
    if not references:
        return "there are no reference outputs"
    for name, logits in references.items():
        if logits.ndim != 2 or 0 in logits.shape:
            return f"the reference logits of {name} have shape {list(logits.shape)}, not (N, classes)"
        bad = int(np.count_nonzero(~np.isfinite(logits)))
        if bad:
            return f"{bad} of {logits.size} reference logits of {name} are not finite"
    if len({logits.shape[1] for logits in references.values()}) > 1:
        return "the data sets have different numbers of classes"
    return ""


def _too_small(what: str, spread: float, needed: float) -> str:
    return f"{what}: they differ by {spread:.2g}, and {needed:.2g} is needed to tell right from wrong"
