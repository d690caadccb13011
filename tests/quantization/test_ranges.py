"""From values to the ranges that bytes are spread over, and to the bytes."""

from __future__ import annotations

import numpy as np
import pytest

from quantization.calibration import calibrate
from quantization.errors import QuantizationError
from quantization.parameters import (
    Parameters,
    WeightKind,
    least_scale,
    parameters_of,
    quantized_bias,
    quantized_weight,
)
from quantization.ranges import BINS, Histogram, range_of, rounded
from tests.quantization.networks import network, pictures, run


def _histogram(values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Histogram:
    histogram = Histogram(float(values.min()), float(values.max()))
    histogram.add(values)
    return histogram


VALUES = np.random.default_rng(0).normal(size=200_000).astype(np.float32)


def test_a_histogram_counts_every_value_once() -> None:
    histogram = _histogram(VALUES)
    assert histogram.counts.sum() == VALUES.size
    expected, _ = np.histogram(VALUES, BINS, (VALUES.min(), VALUES.max()))
    moved = np.abs(np.cumsum(histogram.counts - expected)).max()
    assert moved <= 5  # at the edges float32 rounds
    histogram.add(np.array([1e9, -1e9], np.float32))
    assert histogram.counts[[0, -1]].tolist() == [expected[0] + 1, expected[-1] + 1]


def test_minmax_holds_all_percentile_all_but_a_share_and_entropy_cuts_outliers() -> None:
    values = np.append(VALUES, np.float32(50))
    histogram = _histogram(values)
    low, high = range_of(histogram, "minmax", 0)
    assert low == pytest.approx(values.min(), rel=2**-7)
    assert high == pytest.approx(50, rel=2**-7)
    low, high = range_of(histogram, "percentile", 99)
    assert high == pytest.approx(np.quantile(values, 0.99), abs=2 * float(50 - values.min()) / BINS)
    assert low == pytest.approx(np.quantile(values, 0.01), abs=2 * float(50 - values.min()) / BINS)
    assert 3 < range_of(histogram, "entropy", 0)[1] < 10


def test_a_range_holds_0_and_what_an_activation_leaves_begins_there() -> None:
    for method in ("minmax", "percentile", "entropy"):
        low, high = range_of(_histogram(np.maximum(VALUES, 0)), method, 99.9)
        assert low == 0 < high
        low, high = range_of(_histogram(VALUES + 100), method, 99.9)
        assert low == 0 < high
    assert range_of(_histogram(np.zeros(9, np.float32)), "entropy", 99) == (0, 0)


def test_the_last_bits_of_a_calibration_do_not_matter() -> None:
    for value in (1.2345678, -3.999, 1e-20):
        assert rounded(value) == rounded(np.nextafter(np.float32(value), np.float32(9)).item())
        assert rounded(value) == pytest.approx(value, rel=2**-8)
    assert rounded(0.0) == 0


def test_0_is_exact_in_bytes_and_the_ends_are_within_a_level() -> None:
    for low, high in ((-1.0, 3.0), (0.0, 6.0), (-5.0, 0.0), (0.0, 0.0)):
        parameters = parameters_of((low, high))
        scale, zero = float(parameters.scale), int(parameters.zero_point)
        assert 0 <= zero <= 255
        assert (0 - zero) * scale <= low + scale / 2 + 1e-6
        assert (255 - zero) * scale >= high - scale / 2 - 1e-6


def test_weights_are_within_half_a_level_and_a_channel_of_zeros_stays() -> None:
    weight = np.random.default_rng(1).normal(size=(4, 3, 3)).astype(np.float32)
    weight[2] = 0
    for kind, levels in (("int8", 64), ("uint8", 127)):
        for axis in (0, None):
            kind_of: WeightKind = "int8" if kind == "int8" else "uint8"
            quantized = quantized_weight(weight, axis, kind_of, np.zeros(1, np.float32))
            shape = (-1, 1, 1) if axis == 0 else ()
            scale, zero = quantized.scale.reshape(shape), quantized.zero_point.reshape(shape)
            back = (quantized.stored.astype(np.int32) - zero) * scale
            assert (np.abs(back - weight) <= scale / 2 * (1 + 1e-5)).all()
            assert not back[2].any()
            assert np.abs(quantized.stored.astype(np.int32) - zero).max() == levels


def test_a_bias_beyond_32_bits_stays_at_their_end() -> None:
    bias = np.array([1.0, -1e9, 1e9], np.float32)
    levels = quantized_bias(bias, np.array([0.25, 1e-3, 1e-3], np.float32))
    assert levels.tolist() == [4, -(2**31), 2**31 - 1]


def test_weights_of_almost_0_get_a_scale_with_which_their_bias_fits() -> None:
    weight = np.array([[1.0], [1e-12], [0.0], [1e-42]], np.float32)
    bias, data = np.array([0.5, -3.0, 1e9, 0.0], np.float32), Parameters(np.float32(0.02), np.uint8(7))
    for axis in (0, None):
        scale = quantized_weight(weight, axis, "int8", least_scale(bias, data)).scale
        product = data.scale * np.broadcast_to(scale, bias.shape)
        assert (product > 0).all()
        levels = quantized_bias(bias, product)
        assert np.abs(levels.astype(np.int64)).max() <= 2**30 + 128  # float32 scales are rounded
        np.testing.assert_allclose(levels * product.astype(np.float64), bias, rtol=1e-6, atol=product.max())
    assert np.isclose(quantized_weight(weight, 0, "int8", least_scale(bias, data)).scale[0], 1 / 64)
    assert np.isclose(quantized_weight(weight, 0, "int8", least_scale(None, data)).scale[1], 1e-12 / 64)


def test_a_model_for_one_picture_at_a_time_is_calibrated_too() -> None:
    open_, fixed, data = network(), network(), pictures(5)
    for port in (*fixed.graph.input, *fixed.graph.output):
        port.type.tensor_type.shape.dim[0].dim_value = 1
    with_three = network()
    with_three.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    del with_three.graph.output[0].type.tensor_type.shape.dim[:]
    found = [calibrate(model, ["x", "r1"], lambda: [data], 1) for model in (open_, fixed, with_three)]
    assert [one["r1"].counts.sum() for one in found] == [5 * 8 * 256, 5 * 8 * 256, 6 * 8 * 256]
    for one in found[1:]:
        assert one["r1"].high == pytest.approx(found[0]["r1"].high)
        assert one["x"].low == found[0]["x"].low


def test_calibration_sees_every_stride_twice_and_keeps_no_activation() -> None:
    model, fed = network(), []
    data = pictures(12)

    def strides() -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        fed.append("once")
        return [data[:5], data[5:]]

    histograms = calibrate(model, ["x", "r1", "y"], strides, 1)
    assert fed == ["once", "once"]
    logits = run(model, data)
    assert histograms["y"].low == pytest.approx(min(0, logits.min()))
    assert histograms["y"].high == pytest.approx(logits.max())
    assert {name: int(one.counts.sum()) for name, one in histograms.items()} == {
        "x": data.size, "r1": 12 * 8 * 256, "y": 120,
    }  # fmt: skip


def test_values_that_are_not_finite_are_named() -> None:
    data = pictures(2)
    data[0, 0, 0, 0] = np.nan
    with pytest.raises(QuantizationError, match="tensor 'x' is not finite"):
        calibrate(network(), ["x"], lambda: [data], 1)
