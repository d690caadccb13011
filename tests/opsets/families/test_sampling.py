"""The weights and places of resampling, against onnx's reference implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from opsets.families.sampling import Axis, Sampling
from tests.opsets.comparing import Array, noise, parse


def reference(sampling: Sampling, axis: Axis, data: Array) -> Array:
    """What onnx's reference makes of ``data`` (old,), given the size (new,)."""
    model = parse(
        19,
        f"""g (float[{axis.old}] x) => (float[{axis.new}] y)
        <float[2] r = {{{axis.start},{axis.end}}}, int64[1] s = {{{axis.new}}}> {{
            y = Resize<mode="{sampling.mode}", antialias={int(sampling.antialias)},
                       coordinate_transformation_mode="{sampling.transformation}",
                       cubic_coeff_a={sampling.cubic_coeff_a}, nearest_mode="{sampling.nearest_mode}",
                       exclude_outside={int(sampling.exclude_outside)}, extrapolation_value=9.5>(x, r, , s)
        }}""",
    )
    (result,) = ReferenceEvaluator(model).run(None, {"x": data})
    return np.asarray(result)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    lengths=st.tuples(st.integers(1, 12), st.integers(2, 12)),
    sampling=st.builds(
        Sampling,
        mode=st.sampled_from(["linear", "cubic"]),
        transformation=st.sampled_from(
            ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"]
        ),
        cubic_coeff_a=st.sampled_from([-0.75, -0.5]),
        exclude_outside=st.booleans(),
        antialias=st.booleans(),
    ),
)
def test_weights(lengths: tuple[int, int], sampling: Sampling) -> None:
    axis = Axis(0, *lengths, scale=lengths[1] / lengths[0])
    data = noise((axis.old,))
    expected = reference(sampling, axis, data)
    np.testing.assert_allclose(sampling.matrix(axis) @ data, expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    lengths=st.tuples(st.integers(1, 12), st.integers(2, 12)),
    region=st.tuples(st.floats(-0.5, 0.5), st.floats(0.6, 1.5)),
)
def test_a_region_and_what_is_outside(lengths: tuple[int, int], region: tuple[float, float]) -> None:
    start, end = (float(np.float32(edge)) for edge in region)
    axis = Axis(0, *lengths, scale=lengths[1] / lengths[0], start=start, end=end)
    sampling = Sampling("linear", "tf_crop_and_resize")
    data = noise((axis.old,))
    found = np.where(sampling.outside(axis), 9.5, sampling.matrix(axis) @ data)
    np.testing.assert_allclose(found, reference(sampling, axis, data), rtol=1e-4, atol=1e-4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    old=st.integers(1, 12),
    factor=st.sampled_from([0.25, 0.5, 1.5, 2, 3, 4]),  # float32 and float64 agree on the ties
    transformation=st.sampled_from(["half_pixel", "asymmetric", "align_corners"]),
    nearest=st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
)
def test_nearest_places(old: int, factor: float, transformation: str, nearest: str) -> None:
    new = int(old * factor)
    if new < 2 or new != old * factor:
        return
    axis, sampling = Axis(0, old, new, factor), Sampling("nearest", transformation, nearest)
    data = noise((old,))
    positions = sampling.positions(axis).astype(np.float64)
    if np.abs(positions * 2 - np.round(positions * 2)).min() < 1e-5 and transformation == "align_corners":
        return  # a tie that only exact arithmetic tells
    np.testing.assert_array_equal(data[sampling.indices(axis)], reference(sampling, axis, data))


@pytest.mark.parametrize(("scale", "indices"), [(0.6, [0, 2, 4]), (1.5, [0, 0, 1, 2, 2, 3, 4])])
def test_the_oldest_forms_round_down_upwards_and_up_downwards(scale: float, indices: list[int]) -> None:
    sampling = Sampling("nearest", "asymmetric", "up_floor_down_ceil")
    assert sampling.indices(Axis(0, 5, len(indices), scale)).tolist() == indices


def test_tf_half_pixel_for_nn() -> None:
    sampling = Sampling("nearest", "tf_half_pixel_for_nn", "floor")
    assert sampling.positions(Axis(0, 4, 2, 0.5)).tolist() == [1.0, 3.0]


def test_one_new_element() -> None:
    axis = Axis(0, 5, 1, 0.2, 0.25, 0.75)
    places = {
        name: Sampling("linear", name).positions(axis).tolist()
        for name in ("align_corners", "tf_crop_and_resize")
    }
    assert places == {"align_corners": [0.0], "tf_crop_and_resize": [2.0]}
    assert Sampling("linear", "pytorch_half_pixel").positions(axis).tolist() == [0.0]
