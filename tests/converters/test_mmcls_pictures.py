"""What a test pipeline of mmcls says of pictures, and which ones have no words here."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

LOAD = {"type": "LoadImageFromFile"}
SHORTER = {"type": "Resize", "size": (256, -1)}
CROP = {"type": "CenterCrop", "crop_size": 224}
STYLED = {"type": "CenterCrop", "crop_size": 224, "efficientnet_style": True}
NORMALISE = {"type": "Normalize", "mean": [127.5] * 3, "std": [127.5] * 3, "to_rgb": True}


Of = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def reader(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("mmcls_pictures")


@pytest.fixture(scope="module")
def of(reader: Any) -> Of:
    """What is read of the steps that fit a picture, and of a normalisation."""

    def read(*fitting: Any, normalise: Any = NORMALISE, data: str = "ImageNet") -> Any:
        steps = [LOAD, *fitting, normalise, {"type": "ImageToTensor"}, {"type": "Collect"}]
        test = SimpleNamespace(pipeline=steps, type=data)
        configuration = SimpleNamespace(data=SimpleNamespace(test=test))
        return reader.preprocessing("tiny", configuration)

    return read


@pytest.mark.parametrize(
    ("fitting", "expected"),
    [
        ([SHORTER, CROP], (224, 256, "center", "bilinear", "opencv")),
        ([SHORTER | {"backend": "pillow"}, CROP], (224, 256, "center", "bilinear", "pillow")),
        # The backend of a crop that resizes nothing says nothing.
        ([SHORTER, CROP | {"backend": "pillow"}], (224, 256, "center", "bilinear", "opencv")),
        ([STYLED], (224, 256, "center_first", "bilinear", "opencv")),
        (
            [STYLED | {"crop_padding": 0, "backend": "pillow", "interpolation": "bicubic"}],
            (224, 224, "center_first", "bicubic", "pillow"),
        ),
        (
            [{"type": "Resize", "size": 384, "interpolation": "lanczos"}],
            (384, 384, "squash", "lanczos", "opencv"),
        ),
        ([{"type": "Resize", "size": (256, 256)}, CROP], (224, 256, "squash", "bilinear", "opencv")),
        ([], (32, 32, "center", "bilinear", "opencv")),
    ],
)
def test_the_steps_are_understood(of: Of, fitting: list[dict[str, Any]], expected: tuple[Any, ...]) -> None:
    size, resize, crop_mode, interpolation, library = expected
    found = of(*fitting)
    assert found["input_size"] == [3, size, size]
    assert (found["resize"], found["crop_mode"]) == (resize, crop_mode)
    assert (found["interpolation"], found.get("library", "pillow")) == (interpolation, library)
    assert found["convention"] == "mmcls"


def test_colours_are_those_that_the_network_gets(of: Of) -> None:
    unturned = NORMALISE | {"to_rgb": False}
    assert of(SHORTER, CROP)["colour"] == "RGB"
    assert of(SHORTER, CROP, normalise=unturned)["colour"] == "BGR"
    assert of(normalise=unturned, data="CIFAR10")["colour"] == "RGB"


@pytest.mark.parametrize(
    ("fitting", "words"),
    [
        ([SHORTER, CROP, {"type": "ToHalf"}], "its step ToHalf is not known here"),
        ([CROP, SHORTER], "another order than can be said: LoadImageFromFile, CenterCrop, Resize, Normalize"),
        ([SHORTER, SHORTER, CROP], "another order"),
        ([SHORTER, STYLED], "which resizes too"),
        ([CROP], "it crops pictures that nothing has resized"),
        ([{"type": "Resize", "size": (256, 320)}, CROP], "other proportions"),
        ([SHORTER | {"adaptive_side": "long"}, CROP], "it resizes by 'long'"),
    ],
)
def test_what_cannot_be_said_is_refused(
    of: Of, reader: Any, fitting: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(reader.TaskError, match=f"the pictures of tiny cannot be prepared .*{words}"):
        of(*fitting)
