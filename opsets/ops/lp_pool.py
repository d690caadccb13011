"""LpPool: ``ceil_mode`` and ``dilations`` since 18.

11 changed nothing but the wording, 22 the accepted types and when the last window is left out.
"""

from __future__ import annotations

from opsets.families.windows import (
    copied_side_by_side,
    is_misread_below_22,
    pool_attributes,
    refuse_same_with_dilations,
    side_by_side,
    windows,
    write_pads,
)
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("LpPool", 11, 10, "only the wording changed")


@adapts("LpPool", 22, 21)
def lp_pool_22_to_21(rewrite: Rewrite) -> None:
    """Where the last window would start in the padding, pads say what ``ceil_mode`` says only since 22."""
    if is_misread_below_22(rewrite):
        _plain(rewrite)


@adapts("LpPool", 18, 17)
def lp_pool_18_to_17(rewrite: Rewrite) -> None:
    """Exact: ``ceil_mode`` becomes more padding at the end; dilated windows are laid side by side first."""
    if rewrite.integer("ceil_mode", 0) or max(rewrite.integers("dilations") or [1]) > 1:
        _plain(rewrite)
    else:
        rewrite.drop_attribute("ceil_mode")
        rewrite.drop_attribute("dilations")


def _plain(rewrite: Rewrite) -> None:
    """Say the windows without ``ceil_mode`` and ``dilations``."""
    along = windows(rewrite)
    refuse_same_with_dilations(rewrite, along)
    if all(window.dilation == 1 for window in along):
        write_pads(rewrite, [window.without_ceil() for window in along])
        rewrite.drop_attribute("dilations")
        return
    data = rewrite.required(0)
    for index, window in enumerate(along):
        if window.dilation > 1:
            data, along[index] = copied_side_by_side(rewrite, data, index, window), side_by_side(window)
    attributes = pool_attributes(rewrite, [window.without_ceil() for window in along], ("p",))
    rewrite.replace(rewrite.add("LpPool", [data], attributes, shape=rewrite.node.outputs[0].shape))
