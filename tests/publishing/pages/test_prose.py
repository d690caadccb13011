"""What is said of a record has to be so: held against the script and against the record's own figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from publishing.pages import prose, verdicts
from publishing.pages.formatting import listed, shape
from publishing.pages.snippet import snippet
from publishing.record import AS_IT_CAME
from tests.publishing.pages.card_records import PREPROCESSING, comparison, record, runtime


def steps_of(**changes: Any) -> str:
    return " ".join(prose.preprocessing_of(record(preprocessing=PREPROCESSING | changes)))


def test_input_and_output_are_those_of_the_ports() -> None:
    some = record(preprocessing=PREPROCESSING | {"input_size": [3, 200, 300]})
    assert prose.input_of(some) == (
        "input, float32 of shape batch×3×200×300: batch, channels, height and width of the pictures, the "
        "channels in the order red, green, blue. The first axis is open: any number of pictures at a time."
    )
    assert prose.output_of(some) == (
        "logits, float32 of shape batch×1000: for each picture a value for each of 1000 classes, in the "
        "order of imagenet_classes.txt."
    )
    assert "imagenet" not in prose.output_of(record(classes=2))
    assert prose.postprocessing_of(record(classes=2)).endswith("The 2 largest are the model's answer.")


@pytest.mark.parametrize(("first", "words"), [(1, "one picture at a time"), (4, "4 pictures at a time")])
def test_a_fixed_batch_is_told(first: int, words: str) -> None:
    some = record()
    some.io_ports["inputs"][0]["shape"][0] = first
    assert f"The first axis is fixed: {words}." in prose.input_of(some)


def test_grey_pictures_have_no_order_of_channels() -> None:
    grey = PREPROCESSING | {"input_size": [1, 28, 28], "mean": [0.5], "std": [0.5]}
    some = record(preprocessing=grey)
    assert "one channel of grey" in prose.input_of(some)
    steps = " ".join(prose.preprocessing_of(some))
    assert "as greyscale" in steps
    assert "Subtract 0.5 and divide by 0.5." in steps
    assert "order" not in steps


def test_preprocessing_is_told_step_by_step() -> None:
    assert prose.preprocessing_of(record()) == [
        "Decode the picture to 8 bits per channel, red, green and blue.",
        "Resize the picture with Pillow's bilinear filter until its shorter side has 256 pixels; the longer "
        "one keeps the proportion, rounded down.",
        "Cut out the middle, 224 pixels wide and 224 high.",
        "Divide by 255, so that values are between 0 and 1.",
        "Subtract (0.485, 0.456, 0.406) and divide by (0.229, 0.224, 0.225). The channels are in the order "
        "red, green, blue.",
        "Put the channels before height and width, and an axis for the batch before all.",
    ]


def test_pixels_of_0_to_255_are_told_in_levels() -> None:
    steps = steps_of(mean=[103.939 / 255, 116.779 / 255, 123.68 / 255], std=[1 / 255] * 3, colour="BGR")
    assert "subtract (103.939, 116.779, 123.68), and leave the scale as it is." in steps
    assert "turn the channels round to blue, green, red" in steps


def test_plain_pixels_and_what_a_file_does_with_them_are_told() -> None:
    plain = PREPROCESSING | {"mean": [0, 0, 0], "std": [1 / 255] * 3}
    some = record(preprocessing=plain)
    wanted = {"largest": 255, "mean": [0.5, 0.4, 0.2], "std": [0.2, 0.2, 0.2], "colour": "RGB"}
    embedded = {"embedded": {"normalise": wanted, "softmax": "embedded"}}
    some = replace(some, provenance={**some.provenance, **embedded})
    assert prose.preprocessing_of(some)[-2] == (
        "Leave the values as they are, from 0 to 255. The channels are in the order red, green, blue. The "
        "file itself normalises them: it subtracts (127.5, 102, 51) and divides by 51."
    )
    assert "a probability for each of 1000 classes" in prose.output_of(some)
    assert prose.postprocessing_of(some).startswith("None: the file ends with a softmax.")
    assert "probabilities = scores  # the file ends with a softmax" in snippet(some)
    assert "Divide by 255, so that values are between 0 and 1. The" in steps_of(mean=[0, 0, 0], std=[1, 1, 1])


def test_what_is_cut_out_first_is_told_first() -> None:
    changes = {"crop_mode": "center_first", "convention": "mmcls", "library": "opencv"}
    assert prose.preprocessing_of(record(preprocessing=PREPROCESSING | changes))[1:3] == [
        "Cut out the middle, 224 / 256 of the shorter side high and wide, rounded down.",
        "Resize it to 224 × 224 pixels with OpenCV's bilinear filter.",
    ]
    wide = steps_of(**changes, input_size=[3, 160, 224])
    assert "160 / 256 of the shorter side high and 224 / 256 of it wide" in wide


@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
@pytest.mark.parametrize("resize", [100, 224, 256])
def test_prose_and_script_have_the_same_steps(crop_mode: str, resize: int) -> None:
    changes = {"crop_mode": crop_mode, "resize": resize}
    steps, script = steps_of(**changes), snippet(record(preprocessing=PREPROCESSING | changes))
    assert ("Cut out the middle" in steps) == ("Cut out the middle" in script or "Put black" in script)
    assert ("is black" in steps) == ("Put black" in script)
    assert ("mean colour" in steps) == ("mean colour" in script)
    assert ("whatever its proportions" in steps) == ("whatever the picture's proportions" in script)
    if crop_mode == "squash":
        assert f"{resize} × {resize} pixels" in steps
        assert f"({resize}, {resize})" in script


def test_parity_is_told_with_figures() -> None:
    runtimes = {
        "openvino": runtime("2026.4.1", comparisons={"a": comparison(4.2e-5)}),
        "opencv": runtime("5"),
    }
    runtimes["opencv"]["comparisons"]["noise-1"]["passed"] = False
    some = record(runtimes=runtimes)
    assert prose.tolerance_of(some) == (
        "no value may be off by more than 1e-4 of the largest one, and the most probable class and the five "
        "most probable ones must be the same"
    )
    assert prose.outcome_of(runtimes["openvino"]) == "4.2e-5"
    assert verdicts.agreeing(some) == ["openvino"]
    assert verdicts.worst_error(runtimes["openvino"]) == 4.2e-5
    assert verdicts.worst_error(runtime(comparisons={})) is None
    some.verdict["tolerance"].update(top1=False, top5=False, relative=0.01)
    assert prose.tolerance_of(some) == "no value may be off by more than 1e-2 of the largest one"


def test_weights_and_form_are_those_of_the_record() -> None:
    some = record(origin="https://example.org/w.pth")
    some.provenance["weights"]["sha256"] = "ab" * 32
    assert prose.weights_of(some) == f"https://example.org/w.pth; sha256 of the file {'ab' * 32}"
    assert not prose.is_random(some)
    assert prose.is_random(record())
    assert prose.is_fused(some)
    plain = replace(some, provenance={**some.provenance, "form": "as the framework builds it"})
    assert prose.form_of(plain) == "as PyTorch Image Models (timm) builds it"
    assert "form for training" not in prose.reference_of(plain)
    taken = {"index": 0, "name": "", "of": 3}
    several = replace(plain, provenance={**plain.provenance, "output": taken})
    told = "builds it; of its 3 outputs the one at position 0, counted from 0"
    assert prose.form_of(several).endswith(told)
    named = replace(plain, provenance={**plain.provenance, "output": {**taken, "name": "aux"}})
    assert prose.form_of(named).endswith(f"{told}: aux")


def test_of_a_file_of_unknown_origin_nobody_says_that_a_framework_was_asked() -> None:
    some = record()
    assert not prose.is_of_file(some)
    assert "itself computed the outputs" in prose.reference_of(some)
    given = replace(some, provenance={**some.provenance, "form": AS_IT_CAME})
    assert prose.is_of_file(given)
    assert prose.form_of(given) == "as the file came; no framework was asked"
    assert prose.reference_of(given).startswith("No framework was asked: onnxruntime computed the outputs")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("noise-1", "smooth noise from a seed, one picture"),
        ("pictures-2", "chelsea.png and coffee.png, prepared as above"),
        ("pictures-9", "pictures-9"),
        ("noise-2-3", "smooth noise from a seed, 2 pictures at a time"),
        ("pictures-1-2", "coffee.png, prepared as above"),
        ("pictures-2-2", "rocket.jpg and chelsea.png, prepared as above"),
        ("pictures-3-1", "chelsea.png, coffee.png and rocket.jpg, prepared as above"),
        ("pictures-1-0", "pictures-1-0"),
        ("noise", "noise"),
        ("other", "other"),
    ],
)
def test_data_sets_are_told_by_name(name: str, words: str) -> None:
    assert prose.data_set_of(record(), name) == words


def test_lists_and_shapes() -> None:
    assert listed([]) == ""
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert shape(["batch", 3, 224]) == "batch×3×224"
