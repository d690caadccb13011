"""RoiAlign: new at 10; ``coordinate_transformation_mode`` since 16; 22 changed only the accepted types."""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.families.types import WHY
from opsets.registry import adapts, alike, refuses
from opsets.rewrite import Rewrite

alike("RoiAlign", 22, 21, WHY)
refuses("RoiAlign", 10, 9, "no older operator samples regions that another input names")


@adapts("RoiAlign", 16, 15)
def roi_align_16_to_15(rewrite: Rewrite) -> None:
    """Below 16 nothing is shifted by half a pixel, so the regions are; and none is smaller than a pixel."""
    half = rewrite.text("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    rewrite.drop_attribute("coordinate_transformation_mode")
    if not half:
        return
    regions, scale = rewrite.constant_or_none(rewrite.required(1)), rewrite.real("spatial_scale", 1.0)
    if regions is None or ((regions[:, 2:] - regions[:, :2]) * scale < 1).any():
        raise CannotAdapt(
            "with half_pixel its regions may be smaller than a pixel, and the older form enlarges those; "
            "export the model with output_half_pixel (aligned=False)"
        )
    shifted = (regions - 0.5 / scale).astype(regions.dtype)
    rewrite.set_input(1, rewrite.initializer(shifted, "regions"))
    rewrite.bound("RoiAlign with half_pixel below 16: its regions are shifted with one rounding more")


@adapts("RoiAlign", 15, 16)
def roi_align_15_to_16(rewrite: Rewrite) -> None:
    """Nothing was shifted by half a pixel."""
    rewrite.set_attribute("coordinate_transformation_mode", "output_half_pixel")
