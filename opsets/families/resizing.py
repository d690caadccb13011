"""What a Resize node asks for, axis by axis, however it says so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length, quotient
from opsets.families.sampling import Axis, Sampling
from opsets.rewrite import Rewrite

REGION = "tf_crop_and_resize"
"""The one transformation that looks at the region of interest."""


@dataclass(frozen=True)
class Asked:
    """What is asked of one axis; lengths may be symbols, and None is what does not follow from them."""

    place: int
    old: Length
    new: Length | None
    scale: float | None
    start: float = 0.0
    end: float = 1.0

    @property
    def touched(self) -> bool:
        """Whether anything changes along the axis."""
        return not ((self.scale == 1.0 or self.new == self.old) and (self.start, self.end) == (0.0, 1.0))

    @property
    def is_fixed(self) -> bool:
        """Whether its lengths are known."""
        return isinstance(self.old, int) and isinstance(self.new, int) and self.scale is not None

    def fixed(self) -> Axis:
        """The axis with its lengths; raises :class:`CannotAdapt` where they are not known."""
        if not isinstance(self.old, int):
            raise CannotAdapt(f"it resizes axis {self.place}, whose length is not fixed ({self.old})")
        if not isinstance(self.new, int) or self.scale is None:
            raise CannotAdapt(f"the new length of axis {self.place} is not fixed ({self.new})")
        return Axis(self.place, self.old, self.new, self.scale, self.start, self.end)


def sampling_of(rewrite: Rewrite) -> Sampling:
    """The settings of a Resize of opset 11 or above."""
    return Sampling(
        mode=rewrite.text("mode", "nearest"),
        transformation=rewrite.text("coordinate_transformation_mode", "half_pixel"),
        nearest_mode=rewrite.text("nearest_mode", "round_prefer_floor"),
        cubic_coeff_a=rewrite.real("cubic_coeff_a", -0.75),
        exclude_outside=bool(rewrite.integer("exclude_outside", 0)),
        antialias=bool(rewrite.integer("antialias", 0)),
        extrapolation_value=rewrite.real("extrapolation_value", 0.0),
    )


def asked(rewrite: Rewrite, sampling: Sampling) -> list[Asked]:
    """What a Resize asks of each axis that it names, in order of the axes."""
    lengths, axes = rewrite.lengths(rewrite.required(0)), rewrite.integers("axes")
    places = list(range(len(lengths))) if axes is None else [axis % len(lengths) for axis in axes]
    scales = given_scales(rewrite)
    if scales is None:
        result = _sized([(place, lengths[place]) for place in places], _sizes(rewrite))
        result = _in_proportion(result, rewrite.text("keep_aspect_ratio_policy", "stretch"))
    else:
        result = [_scaled(place, lengths[place], scale) for place, scale in zip(places, scales, strict=True)]
    if sampling.transformation == REGION:
        result = _with_region(rewrite, result, of_sizes=scales is None)
    return sorted(result, key=lambda one: one.place)


def given_scales(rewrite: Rewrite) -> list[float] | None:
    """The scales as they are given; None where sizes are."""
    scales = rewrite.constant(2 if rewrite.opset >= 10 else 1, "scales")
    return [float(scale) for scale in scales] if scales is not None and scales.size else None


def _sizes(rewrite: Rewrite) -> list[Length]:
    value = rewrite.required(3)
    sizes = rewrite.lengths_in(value)
    if sizes is None:
        raise CannotAdapt(f"its sizes ({value.name}) are computed at run time, not constant")
    return [size if isinstance(size, int) or not size.is_Integer else int(size) for size in sizes]


def _sized(axes: list[tuple[int, Length]], sizes: list[Length]) -> list[Asked]:
    result = []
    for (place, old), new in zip(axes, sizes, strict=True):
        scale = None
        if isinstance(old, int) and isinstance(new, int):
            scale = new / old
        elif not isinstance(new, int):
            whole = quotient(new, old)
            scale = float(whole) if isinstance(whole, int) and whole * old == new else None
        result.append(Asked(place, old, new, scale))
    return result


def _scaled(place: int, old: Length, scale: float) -> Asked:
    if isinstance(old, int):
        return Asked(place, old, int(np.float32(old) * np.float32(scale)), scale)
    return Asked(place, old, old if scale == 1.0 else None, scale)


def _in_proportion(axes: list[Asked], policy: str) -> list[Asked]:
    """One scale for all of ``axes``: the largest or smallest by which the sizes are met."""
    if policy == "stretch":
        return axes
    scales = [one.fixed().scale for one in axes]
    scale = min(scales) if policy == "not_larger" else max(scales)
    return [replace(one, scale=scale, new=int(scale * one.old + 0.5)) for one in axes]


def _with_region(rewrite: Rewrite, axes: list[Asked], *, of_sizes: bool) -> list[Asked]:
    region = rewrite.constant(1, "region of interest")
    if region is None:
        raise CannotAdapt("it has no region of interest")
    starts, ends = region.astype(np.float64).reshape(2, -1)
    result = [
        replace(one, start=float(start), end=float(end))
        for one, start, end in zip(axes, starts, ends, strict=True)
    ]
    if not of_sizes and any((one.start, one.end) != (0.0, 1.0) for one in result):
        raise CannotAdapt("runtimes disagree about the size of a scaled region of interest")
    return result
