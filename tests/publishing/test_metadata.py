"""What a file says of itself, inside, and that it says nothing that exporters left there."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import opsets
from publishing import __version__
from publishing.metadata import Metadata, describe, image_properties, names_in
from tests.publishing.zoos import WEIGHT, network

METADATA = Metadata(
    framework="MXNet Gluon",
    domain="org.apache.mxnet",
    model="vgg16",
    license="Apache-2.0",
    author="somebody",
    weights="random weights, seed 0",
    preprocessing={
        "input_size": [3, 224, 224],
        "resize": 256,
        "crop_mode": "center",
        "interpolation": "bilinear",
        "colour": "RGB",
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
    },
)


def _properties(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def test_a_file_names_its_producer_and_its_origin(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "net.onnx"))
    model.producer_name, model.doc_string, model.graph.doc_string = "pytorch", "from /home/me", ""
    model.metadata_props.add(key="left", value="over")
    describe(model, METADATA)
    onnx.checker.check_model(model, full_check=True)
    assert (model.producer_name, model.producer_version) == ("onnx-zoo-pipeline", __version__)
    assert (model.domain, model.model_version) == ("org.apache.mxnet", 1)
    assert model.doc_string == (
        "MXNet Gluon vgg16 ==> ONNX at opset 9. Weights: random weights, seed 0. Licence: Apache-2.0."
    )
    assert _properties(model) == {
        "Image.BitmapPixelFormat": "Rgb8",
        "Image.ColorSpaceGamma": "SRGB",
        "Image.CropMode": "center",
        "Image.Interpolation": "bilinear",
        "Image.NominalPixelRange": "Normalized_1_1",
        "Image.Resize": "256",
        "model_author": "somebody",
        "model_license": "Apache-2.0",
        "source": "MXNet Gluon vgg16",
        "weights": "random weights, seed 0",
    }
    assert [entry.key for entry in model.metadata_props] == sorted(_properties(model))


def test_what_nobody_stated_is_not_made_up(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "net.onnx"))
    describe(model, replace(METADATA, license="", author=""))
    assert model.doc_string.endswith("Licence: not stated.")
    assert not {"model_license", "model_author"} & _properties(model).keys()


def test_describing_touches_no_weight(tmp_path: Path) -> None:
    source = network(tmp_path / "net.onnx")
    opsets.retarget_file(source, 7, tmp_path / "out.onnx", lambda model: describe(model, METADATA))
    written = onnx.load(tmp_path / "out.onnx")
    [weight] = written.graph.initializer
    np.testing.assert_array_equal(numpy_helper.to_array(weight), WEIGHT)
    assert "at opset 7" in written.doc_string


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mean": [0, 0, 0], "std": [1, 1, 1]}, ("Rgb8", "Normalized_0_1", None)),
        ({"mean": [0, 0, 0], "std": [1 / 255] * 3}, ("Rgb8", "NominalRange_0_255", None)),
        ({"mean": [0.5] * 3, "std": [0.5] * 3, "colour": "BGR"}, ("Bgr8", "Normalized_1_1", None)),
        (
            {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
            ("Rgb8", "Normalized_0_1", "[0.485, 0.456, 0.406]"),
        ),
        ({"mean": [0.5, 0.5, 0.4], "std": [0.5] * 3}, ("Rgb8", "Normalized_0_1", "[0.5, 0.5, 0.4]")),
        ({"input_size": [1, 28, 28], "mean": [0.0], "std": [1.0]}, ("Gray8", "Normalized_0_1", None)),
    ],
)
def test_the_range_of_the_pixels_is_true_or_explained(
    changes: dict[str, Any], expected: tuple[str, str, str | None]
) -> None:
    properties = image_properties({**METADATA.preprocessing, **changes})
    pixels, nominal, mean = expected
    assert (properties["Image.BitmapPixelFormat"], properties["Image.NominalPixelRange"]) == (pixels, nominal)
    assert properties.get("Image.Mean") == mean
    assert ("Image.StandardDeviation" in properties) is (mean is not None)


NAMES = ["crane", "crane", "猫", 'a "b" \\ \x1b\u2028', "no", "😀"]


def test_the_names_of_classes_are_read_as_json_and_as_pythons_notation(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "net.onnx"))
    describe(model, replace(METADATA, labels=NAMES))
    onnx.save(model, tmp_path / "named.onnx")
    properties = _properties(onnx.load(tmp_path / "named.onnx"))
    for read in (json.loads, ast.literal_eval):  # the latter is how Ultralytics' own programs read it
        assert {int(index): name for index, name in read(properties["names"]).items()} == dict(
            enumerate(NAMES)
        )
    assert names_in(properties) == NAMES
    assert "names" not in image_properties(METADATA.preprocessing)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("{0: 'person', 1: \"cat's\"}", ["person", "cat's"]),  # as Ultralytics writes it
        ("{1: 'b', 0: 'a'}", ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ('["a"]', ["a"]),
        ("", None),
        ("{}", None),
        ("[]", None),
        ("{0: 'a', 2: 'b'}", None),
        ("{0: 'a', 1: 2}", None),
        ("cat, dog", None),
        ("__import__('os').system('false')", None),
        ("'\\d'", None),
        ("\0", None),
        (10_000 * "[", None),
        (10_000 * "-" + "1", None),
    ],
)
def test_names_of_anybody_are_read_where_they_are_names(value: str, names: list[str] | None) -> None:
    assert names_in({"names": value}) == names
    assert names_in({}) is None
