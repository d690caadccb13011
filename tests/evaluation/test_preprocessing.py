"""Pictures of every kind into the tensors that classifiers want."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.errors import EvaluationError
from evaluation.preprocessing import Convention, Preprocessing, prepare

PLAIN = Preprocessing((3, 4, 6), 8, "center", "nearest", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "RGB")


def gradient(width: int, height: int) -> Image.Image:
    """Make a picture whose red tells the column, green the row, and blue is 200."""
    rows, columns = np.indices((height, width))
    return Image.fromarray(np.stack([columns, rows, np.full_like(rows, 200)], axis=-1).astype(np.uint8))


def test_the_catalogue_form_goes_there_and_back() -> None:
    values: dict[str, Any] = {
        "input_size": [3, 224, 224],
        "resize": 256,
        "crop_mode": "center",
        "interpolation": "bicubic",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "colour": "RGB",
    }
    assert Preprocessing.from_dict(values).to_dict() == values


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("input_size", [224, 224], "such as \\[3, 224, 224\\]"),
        ("input_size", [4, 224, 224], "1 or 3 channels"),
        ("input_size", 224, "\\[channels, height, width\\]"),
        ("input_size", [3, 0, 224], "sides of 1 to"),
        ("input_size", [3, 1e3, 224], "sides of 1 to"),
        ("resize", -1, "shorter side"),
        ("resize", True, "shorter side"),
        ("resize", "256", "shorter side"),
        ("crop_mode", "centre", "one of center, center_first, squash, border"),
        ("interpolation", "cubic", "one of nearest, bilinear, bicubic"),
        ("colour", "rgb", "one of RGB, BGR"),
        ("mean", [0.5], "3 number"),
        ("mean", 0.5, "3 number"),
        ("mean", [0.5, "a", 0.5], "3 number"),
        ("std", [0.5, 0.5, float("nan")], "3 number"),
        ("std", [0.5, 0.0, 0.5], "above 0"),
        ("crop", "x", "crop is unknown"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: object, words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        Preprocessing.from_dict({**PLAIN.to_dict(), key: value})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"library": "opencv"}, "goes with convention mmcls, paddleclas, paddleclas_levels"),
        ({"convention": "mmcls", "library": "opencv", "interpolation": "box"}, "none of OpenCV's"),
        ({"convention": "mmcls", "crop_mode": "border"}, "no border"),
        (
            {"crop_mode": "center_first"},
            "'center_first' goes with convention mmcls, paddleclas, paddleclas_levels",
        ),
        ({"convention": "paddleclas", "input_size": [1, 4, 6], "mean": [0], "std": [1]}, "three channels"),
        ({"convention": "caffe"}, "one of torchvision, mmcls, paddleclas, paddleclas_levels"),
        ({"library": "numpy"}, "one of pillow, opencv"),
    ],
)
def test_conventions_that_nobody_has_are_told(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        Preprocessing.from_dict({**PLAIN.to_dict(), **changes})


def test_conventions_are_written_where_they_are_not_torchvisions() -> None:
    assert not {"library", "convention"} & PLAIN.to_dict().keys()
    opencv = replace(PLAIN, library="opencv", convention="paddleclas")
    assert Preprocessing.from_dict(opencv.to_dict()) == opencv


def test_paddleclas_crops_further_to_the_left() -> None:
    """Half of 13 - 6 is 3 in PaddleClas, and the even 4 elsewhere."""
    picture = gradient(13, 8)
    columns = {
        convention: prepare(picture, replace(PLAIN, convention=convention))[0, 0] * 255
        for convention in ("torchvision", "mmcls", "paddleclas")
    }
    np.testing.assert_allclose(columns["torchvision"], np.arange(4, 10), atol=1e-4)
    np.testing.assert_allclose(columns["mmcls"], np.arange(4, 10), atol=1e-4)
    np.testing.assert_allclose(columns["paddleclas"], np.arange(3, 9), atol=1e-4)


def test_whoever_reads_with_opencv_turns_a_picture_as_its_exif_data_says() -> None:
    picture = gradient(8, 8)
    exif = picture.getexif()
    exif[0x0112] = 3  # upside down
    data = io.BytesIO()
    picture.save(data, "PNG", exif=exif)
    with Image.open(data) as stored:
        as_it_is = prepare(stored, PLAIN)
        turned = prepare(stored, replace(PLAIN, convention="mmcls"))
    np.testing.assert_allclose(turned[0, 0] * 255, as_it_is[0, 0, ::-1] * 255, atol=1e-4)


@pytest.mark.parametrize(
    ("convention", "size", "rows", "columns"),
    [
        # 4 / 8 and 6 / 8 of the shorter side: (30 - 10) / 2 = 10, (20 - 15) / 2 = 2.5, to the even 2.
        ("mmcls", (20, 30), (10, 20), (2, 17)),
        # 5.5 and 8.25 of 11 are 5 and 8: (11 - 5.5) / 2 = 2.75, (21 - 8.25) / 2 = 6.375.
        ("mmcls", (21, 11), (3, 8), (6, 14)),
        ("mmcls", (1, 1), (0, 1), (0, 1)),
        ("mmcls", (1, 3), (1, 2), (0, 1)),  # of less than a pixel mmcls makes nothing, and fails
        # PaddleClas rounds the size down first, and the begin then: (11 - 5) // 2, (22 - 8) // 2.
        ("paddleclas", (22, 11), (3, 8), (7, 15)),
        ("paddleclas", (20, 30), (10, 20), (2, 17)),
        ("paddleclas", (1, 4), (1, 2), (0, 1)),
    ],
)
def test_center_first_resizes_what_it_has_cut(
    convention: Convention, size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    picture = gradient(*size)
    first = replace(PLAIN, crop_mode="center_first", convention=convention, interpolation="bicubic")
    cut = picture.crop((columns[0], rows[0], columns[1], rows[1])).resize((6, 4), Image.Resampling.BICUBIC)
    expected = np.asarray(cut, dtype=np.float32).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(prepare(picture, first), expected, atol=1e-6)


@pytest.mark.parametrize("convention", ["mmcls", "paddleclas"])
def test_center_first_takes_no_more_than_there_is(convention: Convention) -> None:
    first = replace(PLAIN, crop_mode="center_first", convention=convention, input_size=(3, 4, 9), resize=4)
    tensor = prepare(gradient(9, 9), first)
    np.testing.assert_allclose(tensor[0, 0] * 255, np.arange(9), atol=1e-4)


def test_a_missing_key_is_named() -> None:
    values = PLAIN.to_dict()
    del values["std"]
    with pytest.raises(EvaluationError, match=r"std is missing; its keys are input_size"):
        Preprocessing.from_dict(values)


@pytest.mark.parametrize(
    ("size", "resized"),
    [((451, 300), (384, 256)), ((300, 451), (256, 384)), ((512, 512), (256, 256)), ((640, 427), (383, 256))],
)
def test_resizing_cuts_the_longer_side_as_torchvision_does(
    size: tuple[int, int], resized: tuple[int, int]
) -> None:
    whole = replace(PLAIN, input_size=(3, resized[1], resized[0]), resize=256)
    assert prepare(Image.new("RGB", size, (255, 255, 255)), whole).min() == 1.0


def test_the_crop_is_the_middle() -> None:
    tensor = prepare(gradient(21, 8), PLAIN)
    assert tensor.shape == (3, 4, 6)
    assert tensor.dtype == np.float32
    # (21 - 6) / 2 = 7.5, which torchvision rounds to the even 8; (8 - 4) / 2 = 2.
    np.testing.assert_array_equal(tensor[0, 0] * 255, np.arange(8, 14, dtype=np.float32))
    np.testing.assert_array_equal(tensor[1, :, 0] * 255, np.arange(2, 6, dtype=np.float32))


def test_what_the_picture_does_not_cover_is_black() -> None:
    tensor = prepare(Image.new("RGB", (8, 8), (255, 255, 255)), replace(PLAIN, input_size=(3, 8, 12)))
    assert tensor[:, :, :2].max() == 0
    assert tensor[:, :, 2:10].min() == 1
    assert tensor[:, :, 10:].max() == 0


def test_squash_shows_the_whole_picture() -> None:
    tensor = prepare(gradient(60, 4), replace(PLAIN, crop_mode="squash", resize=4))
    np.testing.assert_array_equal(tensor[0, 0] * 255, np.arange(5, 60, 10, dtype=np.float32))


def test_squash_crops_where_it_resizes_to_more() -> None:
    tensor = prepare(gradient(60, 4), replace(PLAIN, crop_mode="squash", resize=8))
    np.testing.assert_array_equal(tensor[0, 0] * 255, np.arange(17, 43, 5, dtype=np.float32))


def test_border_fills_with_the_mean_colour() -> None:
    mean = (1.0, 0.0, 0.0)
    border = replace(PLAIN, crop_mode="border", input_size=(3, 6, 6), mean=mean)
    tensor = prepare(Image.new("RGB", (12, 4), (255, 255, 255)), border)
    assert np.abs(tensor[:, :2]).max() == 0
    np.testing.assert_array_equal(tensor[:, 2:4, :], np.array([0, 1, 1])[:, None, None] * np.ones((3, 2, 6)))
    bgr = replace(border, colour="BGR")
    assert np.abs(prepare(Image.new("RGB", (12, 4), (9, 9, 9)), bgr)[:, :2]).max() == 0


def test_a_border_of_the_mean_colour_goes_with_normalised_pictures_alone() -> None:
    with pytest.raises(EvaluationError, match="crop_mode 'border' fills with the mean colour"):
        replace(PLAIN, crop_mode="border").unnormalised(255)


def test_mean_std_and_colour_order() -> None:
    picture = Image.new("RGB", (9, 9), (255, 51, 0))
    bgr = replace(PLAIN, mean=(0.1, 0.2, 0.5), std=(0.5, 0.25, 0.125), colour="BGR")
    np.testing.assert_allclose(prepare(picture, bgr)[:, 0, 0], [-0.2, 0.0, 4.0], atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "1", "P", "PA", "LA", "RGBA", "CMYK", "YCbCr", "I", "I;16"])
def test_every_kind_of_picture_becomes_rgb(mode: str) -> None:
    if mode in ("I", "I;16"):
        picture = Image.fromarray(np.full((9, 9), 65535, dtype=np.uint16 if mode == "I;16" else np.int32))
        assert picture.mode == mode
    else:
        picture = Image.new("RGB", (9, 9), (255, 255, 255)).convert(mode)
    np.testing.assert_allclose(prepare(picture, PLAIN), np.ones((3, 4, 6)), atol=0.01)


def test_sixteen_bits_are_scaled_and_not_cut() -> None:
    picture = Image.fromarray(np.full((9, 9), 32768, dtype=np.uint16))
    np.testing.assert_allclose(prepare(picture, PLAIN), 0.5, atol=0.01)


def test_a_transparent_palette_warns_nobody() -> None:
    picture = gradient(9, 9).quantize(16)
    picture.info["transparency"] = bytes(range(16))
    assert prepare(picture, PLAIN).shape == (3, 4, 6)


def test_one_channel_means_greyscale() -> None:
    grey = replace(PLAIN, input_size=(1, 4, 6), mean=(0.5,), std=(0.5,))
    np.testing.assert_allclose(prepare(Image.new("RGB", (9, 9), (255, 255, 255)), grey), np.ones((1, 4, 6)))


def test_floating_point_pixels_are_refused() -> None:
    with pytest.raises(EvaluationError, match="8 or 16 bits"):
        prepare(Image.new("F", (9, 9)), PLAIN)
