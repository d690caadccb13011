"""AveragePool: ``dilations`` since 19, ``ceil_mode`` since 10, ``count_include_pad`` since 7.

11 changed nothing but the wording, 22 the accepted types and when the last window is left out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from opsets.errors import CannotAdapt
from opsets.families.windows import (
    Window,
    copied_side_by_side,
    explicit_padding,
    is_misread_below_22,
    pads_of,
    pool_attributes,
    refuse_same_with_dilations,
    side_by_side,
    windows,
    write_pads,
    zero_padded,
)
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("AveragePool", 11, 10, "only the wording changed")


@adapts("AveragePool", 22, 21)
def average_pool_22_to_21(rewrite: Rewrite) -> None:
    """Where the last window would start in the padding, pads say what ``ceil_mode`` says only since 22."""
    if is_misread_below_22(rewrite):
        along = windows(rewrite)
        if any(window.dilation > 1 for window in along):
            _without_dilations(rewrite, along)
        else:
            _without_ceil(rewrite, along)


@adapts("AveragePool", 19, 18)
def average_pool_19_to_18(rewrite: Rewrite) -> None:
    """Dilated windows are laid side by side, zeros for padding; factors put right what does not count.

    Exact but for one rounding where there is padding.
    """
    if max(rewrite.integers("dilations") or [1]) == 1:
        rewrite.drop_attribute("dilations")
    else:
        _without_dilations(rewrite, windows(rewrite))


def _without_dilations(rewrite: Rewrite, along: list[Window]) -> None:
    refuse_same_with_dilations(rewrite, along)
    data, factors = rewrite.required(0), np.ones((1, 1, *[1] * len(along)))
    included = bool(rewrite.integer("count_include_pad", 0))
    for index, window in enumerate(along):
        if window.dilation > 1:
            data = copied_side_by_side(rewrite, data, index, window)
            along_axis = [-1 if axis == 2 + index else 1 for axis in range(factors.ndim)]
            factors = factors * (window.kernel / _counted(window, included)).reshape(along_axis)
            along[index] = side_by_side(window)
    attributes = pool_attributes(rewrite, along, ("count_include_pad", "ceil_mode"))
    result = rewrite.add("AveragePool", [data], attributes, shape=rewrite.node.outputs[0].shape)
    if not (factors == 1).all():
        scale = rewrite.initializer(factors.astype(rewrite.kind(data)), "factors")
        result = rewrite.add("Mul", [result, scale])
    rewrite.replace(result)


def _counted(window: Window, included: bool) -> npt.NDArray[np.int64]:
    """What each window's sum is divided by: padding counts if ``included``, what is behind it never."""
    assert window.length is not None
    positions = window.positions()
    counts = positions < window.length + (window.after if included else 0)
    if not included:
        counts &= positions >= 0
    if not counts.any(axis=1).all():
        raise CannotAdapt("one of its windows sees nothing but padding")
    numbers: npt.NDArray[np.int64] = np.sum(counts, axis=1, dtype=np.int64)
    return numbers


@adapts("AveragePool", 10, 9)
def average_pool_10_to_9(rewrite: Rewrite) -> None:
    """Exact: ``ceil_mode`` becomes more padding at the end, which does not count."""
    if rewrite.integer("ceil_mode", 0):
        _without_ceil(rewrite, windows(rewrite))
    else:
        rewrite.drop_attribute("ceil_mode")
        explicit_padding(rewrite)


def _without_ceil(rewrite: Rewrite, along: list[Window]) -> None:
    """Pad as much as ``ceil_mode`` asks for; padding that counts is put around the data before."""
    plain = [window.without_ceil() for window in along]
    wanted, given = pads_of(plain), pads_of(along)
    if not rewrite.integer("count_include_pad", 0) or all(
        new <= old for new, old in zip(wanted, given, strict=True)
    ):
        write_pads(rewrite, plain)
        return
    counted = [min(new, old) for new, old in zip(wanted, given, strict=True)]
    data = zero_padded(rewrite, rewrite.required(0), counted)
    attributes = pool_attributes(rewrite, plain, ())
    attributes["pads"] = [new - old for new, old in zip(wanted, counted, strict=True)]
    rewrite.replace(rewrite.add("AveragePool", [data], attributes, shape=rewrite.node.outputs[0].shape))


@adapts("AveragePool", 7, 6)
def average_pool_7_to_6(rewrite: Rewrite) -> None:
    """Exact: padding that counts is put around the data before."""
    included = rewrite.integer("count_include_pad", 0)
    rewrite.drop_attribute("count_include_pad")
    explicit_padding(rewrite)
    if not included or not any(pads_of(along := windows(rewrite))):
        return
    data = zero_padded(rewrite, rewrite.required(0), pads_of(along))
    plain = [Window(None, window.kernel, window.stride, 1, 0, 0, False) for window in along]
    rewrite.replace(rewrite.add("AveragePool", [data], pool_attributes(rewrite, plain, ())))
