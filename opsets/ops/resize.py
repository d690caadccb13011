"""Resize: new at 10 (nearest and linear); coordinates, cubic, region and sizes since 11.

``antialias``, ``axes`` and the aspect ratio since 18; ``roi`` and ``scales`` optional since 13;
``half_pixel_symmetric`` since 19. What an older form cannot say is spelt by Gather and MatMul.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.families.resampling import resampled
from opsets.families.resizing import REGION, Asked, asked, given_scales, sampling_of
from opsets.families.sampling import Axis, Sampling
from opsets.registry import adapts
from opsets.rewrite import Rewrite

OF_SCALE_ONLY = ("asymmetric", "half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn")
"""Transformations that do not depend on the length of the axis, where there are elements enough."""


@adapts("Resize", 19, 18)
def resize_19_to_18(rewrite: Rewrite) -> None:
    """Coordinates that only the newer form has are spelt out."""
    if sampling_of(rewrite).transformation == "half_pixel_symmetric":
        _by_parts(rewrite, sampling_of(rewrite))


@adapts("Resize", 18, 17)
def resize_18_to_17(rewrite: Rewrite) -> None:
    """Scales or sizes of some axes become those of all; a filter is spelt out."""
    sampling = sampling_of(rewrite)
    if _filters(rewrite, sampling) or rewrite.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        _by_parts(rewrite, sampling)
        return
    if rewrite.has("axes") and not _some_axes_to_all(rewrite, sampling):
        return
    for name in ("antialias", "keep_aspect_ratio_policy", "axes"):
        rewrite.drop_attribute(name)


@adapts("Resize", 13, 12)
def resize_13_to_12(rewrite: Rewrite) -> None:
    """Empty constants stand where the older form wants an input."""
    for index, name in ((1, "roi"), (2, "scales")):
        if rewrite.input(index) is None:
            rewrite.set_input(index, rewrite.initializer(np.zeros(0, dtype=np.float32), name))


@adapts("Resize", 11, 10)
def resize_11_to_10(rewrite: Rewrite) -> None:
    """The older form takes whole scales up, which all runtimes read alike; all else is spelt out.

    Exact for nearest elements, but for rounding and for inf and NaN where elements are weighted.
    """
    _older_form(rewrite, "Resize", sampling_of(rewrite))


@adapts("Resize", 10, 9)
def resize_10_to_9(rewrite: Rewrite) -> None:
    """Upsample for whole scales up; all else is spelt out, the nearest as the onnx tests of 10 have it."""
    _older_form(rewrite, "Upsample", oldest_sampling(rewrite.text("mode", "nearest")))


def oldest_sampling(mode: str) -> Sampling:
    """What Resize-10 and Upsample do."""
    return Sampling(mode, transformation="asymmetric", nearest_mode="up_floor_down_ceil")


def _filters(rewrite: Rewrite, sampling: Sampling) -> bool:
    """Whether ``antialias`` does anything, which it does where an axis shrinks.

    Where it does not, but elements outside are excluded, all is spelt out as well if it can be: of a Resize
    without a filter OpenVINO (2026.4) does not see this, and ONNX Runtime takes none that is linear.
    """
    if not sampling.antialias or sampling.mode == "nearest":
        return False
    axes = [one for one in asked(rewrite, sampling) if one.touched]
    if sampling.exclude_outside and all(one.is_fixed for one in axes):
        return True
    return any(one.scale is None or one.scale < 1.0 for one in axes)


def _some_axes_to_all(rewrite: Rewrite, sampling: Sampling) -> bool:
    """Write out what is asked of the other axes: nothing; False where that is spelt out instead."""
    wanted = {one.place: one for one in asked(rewrite, sampling)}
    lengths = rewrite.lengths(rewrite.required(0))
    every = [wanted.get(place, Asked(place, old, old, 1.0)) for place, old in enumerate(lengths)]
    scales = _scales(every)
    if given_scales(rewrite) is None and all(isinstance(one.new, int) for one in every):
        rewrite.set_input(3, rewrite.initializer(np.array([one.new for one in every], np.int64), "sizes"))
    elif scales is not None:
        rewrite.keep_inputs(3)
        rewrite.set_input(2, rewrite.initializer(np.array(scales, np.float32), "scales"))
    else:
        _by_parts(rewrite, sampling)
        return False
    if sampling.transformation == REGION:
        region = np.array([[one.start for one in every], [one.end for one in every]])
        kind = rewrite.kind(rewrite.required(1))
        rewrite.set_input(1, rewrite.initializer(region.reshape(-1).astype(kind), "region"))
    return True


def _scales(axes: list[Asked]) -> list[float] | None:
    """The scales, if float32 holds each of them exactly."""
    scales = [one.scale for one in axes if one.scale is not None]
    if len(scales) < len(axes) or any(float(np.float32(scale)) != scale for scale in scales):
        return None
    return scales


def _older_form(rewrite: Rewrite, operator: str, sampling: Sampling) -> None:
    """``operator`` with its scales where it says the same, parts where it does not."""
    axes = asked(rewrite, sampling)
    scales = _scales(axes)
    if scales is None or not says_the_same(sampling, axes):
        _by_parts(rewrite, sampling)
        return
    constant = rewrite.initializer(np.array(scales, dtype=np.float32), "scales")
    rewrite.replace(rewrite.add(operator, [rewrite.required(0), constant], {"mode": sampling.mode}))


def says_the_same(sampling: Sampling, axes: list[Asked]) -> bool:
    """Whether Resize-10 and Upsample, given all ``axes``, do what ``sampling`` asks for.

    Of the linear ones only those stay that cannot be products with constants: these are the same
    in every runtime.
    """
    touched = [one for one in axes if one.touched]
    known = all(isinstance(one.old, int) for one in touched)
    if not touched or sampling.transformation == REGION:
        return False
    if any(one.scale is None or one.scale < 1.0 for one in touched):
        return False
    if sampling.mode == "linear":
        inner = all(one.place >= len(axes) - 2 for one in touched)
        return not known and sampling.transformation == "asymmetric" and inner
    if sampling.mode != "nearest" or not (known or sampling.transformation in OF_SCALE_ONLY):
        return False
    return all(_repeats(sampling, one) for one in touched)


def _repeats(sampling: Sampling, one: Asked) -> bool:
    """Whether every element is taken as often as the scale says; tried on a few if they are not counted."""
    old, scale = (one.old if isinstance(one.old, int) else 8), one.scale
    if scale is None or not scale.is_integer():
        return False
    places = sampling.indices(Axis(one.place, old, old * int(scale), scale))
    return bool((places == np.arange(old).repeat(int(scale))).all())


def _by_parts(rewrite: Rewrite, sampling: Sampling) -> None:
    axes = [one.fixed() for one in asked(rewrite, sampling) if one.touched]
    if axes:
        rewrite.replace(resampled(rewrite, rewrite.required(0), sampling, axes))
    else:
        rewrite.forward(rewrite.required(0))


@adapts("Resize", 10, 11)
def resize_10_to_11(rewrite: Rewrite) -> None:
    """How the older form samples is said; where axes become longer and others shorter, by two nodes.

    The nearest is the one before where an axis becomes longer, and the one behind where it becomes shorter.
    """
    data, scales = rewrite.required(0), rewrite.required(1)
    mode = rewrite.text("mode", "nearest")
    if mode == "nearest":
        numbers = rewrite.constant(1, "scales")
        assert numbers is not None
        steps = {"floor": np.maximum(numbers, 1), "ceil": np.minimum(numbers, 1)}
        wanted = [(how, factors) for how, factors in steps.items() if (factors != 1).any()]
        for how, factors in wanted or [("floor", numbers)]:
            own = rewrite.initializer(factors.astype(np.float32), "scales") if len(wanted) > 1 else scales
            data = _asymmetric(rewrite, data, own, {"mode": mode, "nearest_mode": how})
    else:
        data = _asymmetric(rewrite, data, scales, {"mode": mode})
    rewrite.replace(data)


def _asymmetric(rewrite: Rewrite, data: ir.Value, scales: ir.Value, attributes: dict[str, str]) -> ir.Value:
    region = rewrite.initializer(np.zeros(0, dtype=np.float32), "region")
    said = {**attributes, "coordinate_transformation_mode": "asymmetric"}
    return rewrite.add("Resize", [data, region, scales], said)


@adapts("Resize", 12, 13)
def resize_12_to_13(rewrite: Rewrite) -> None:
    """What is empty is left out; coordinates that only the older form has are spelt out."""
    sizes = rewrite.input(3)
    for index in (2, 1):
        value = rewrite.input(index)
        array = None if value is None else rewrite.constant_or_none(value)
        if array is not None and not array.size:
            rewrite.set_input(index, None)
    if sizes is None:
        rewrite.keep_inputs(3)
    sampling = sampling_of(rewrite)
    if sampling.transformation == "tf_half_pixel_for_nn":
        _by_parts(rewrite, sampling)
