"""What a config of PaddleClas says as an entry of a pipeline file, and what is said of one that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.planning.jobs import NamedModel, Plan
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection

FILE = """\
publish: dist
opsets: 12
models:
  - source: paddle
    model: ./flowers.yaml
    name: flowers
"""
CONFIG = """\
Global: {epochs: 120, image_shape: [3, 224, 224]}
Arch:
  name: SqueezeNet1_1
  class_num: 7
  pretrained: True
DataLoader:
  Train: {dataset: {transform_ops: [RandCropImage: {size: 224}]}}
  Eval:
    dataset:
      name: ImageNetDataset
      transform_ops:
        - DecodeImage: {to_rgb: True, channel_first: False}
        - ResizeImage: {resize_short: 73}
        - CropImage: {size: 64}
        - NormalizeImage: {scale: 1.0/255.0, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4], order: ''}
Infer: {transforms: [UnknownImage: {}]}
"""


def _plan(folder: Path, config: str = CONFIG, text: str = FILE) -> Plan:
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    (folder / "flowers.yaml").write_text(config, encoding="utf-8")
    return make_plan(read_checked(folder / "pipeline.yaml"), Selection())


def test_a_config_is_the_entry_that_says_the_same(tmp_path: Path) -> None:
    [job] = _plan(tmp_path, CONFIG.replace("  class_num: 7", "  class_num: 7\n  drop_rate: 0.2")).jobs
    assert (job.name, job.model) == ("paddle/flowers", NamedModel("SqueezeNet1_1"))
    options = job.network_options
    assert (options.classes, options.arguments) == (7, {"drop_rate": 0.2})
    assert options.input_size == (3, 64, 64)
    assert job.entry.preprocessing.model_dump(exclude_none=True) == {
        "input_size": (3, 64, 64),
        "resize": 73,
        "crop_mode": "center",
        "interpolation": "bilinear",
        "mean": (0.5, 0.4, 0.3),
        "std": (0.2, 0.3, 0.4),
        "colour": "RGB",
        "library": "opencv",
        "convention": "paddleclas",
    }


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{resize_short: 73}", "{size: [128, 64]}", ("crop_mode", "refused")),
        ("{resize_short: 73}", "{size: 73}", ("crop_mode", "squash")),
        (
            "{resize_short: 73}",
            "{resize_short: 73, interpolation: bicubic, backend: pil}",
            ("library", "pillow"),
        ),
        ("1.0/255.0, mean: [0.5, 0.4, 0.3]", "1.0, mean: [51, 102, 153]", ("mean", (0.2, 0.4, 0.6))),
        ("1.0/255.0, mean: [0.5, 0.4, 0.3]", "1.0, mean: [1, 1, 1]", ("convention", "paddleclas_levels")),
        ("to_rgb: True", "to_rgb: False", ("colour", "BGR")),
        ("mean: [0.5, 0.4, 0.3], ", "", ("mean", (0.485, 0.456, 0.406))),
    ],
)
def test_transforms_are_taken_as_they_are_meant(
    tmp_path: Path, old: str, new: str, expected: tuple[str, object]
) -> None:
    key, value = expected
    if value == "refused":
        with pytest.raises(UsageError, match="it crops to other proportions than it resizes to"):
            _plan(tmp_path, CONFIG.replace(old, new))
        return
    [job] = _plan(tmp_path, CONFIG.replace(old, new)).jobs
    assert getattr(job.entry.preprocessing, key) == value


def test_what_the_entry_says_itself_counts(tmp_path: Path) -> None:
    text = FILE + "    classes: 9\n    preprocessing: {resize: 99}\n    arguments: {drop_rate: 0.1}\n"
    [job] = _plan(tmp_path, CONFIG, text).jobs
    assert (job.entry.classes, job.entry.preprocessing.resize) == (9, 99)
    assert job.entry.arguments == {"drop_rate": 0.1}
    assert job.entry.preprocessing.input_size == (3, 64, 64)


def test_what_a_config_says_is_in_the_key(tmp_path: Path) -> None:
    key = _plan(tmp_path).units[0].key
    assert _plan(tmp_path, CONFIG.replace("epochs: 120", "epochs: 9")).units[0].key == key
    for old, new in (("class_num: 7", "class_num: 8"), ("resize_short: 73", "resize_short: 74")):
        assert _plan(tmp_path, CONFIG.replace(old, new)).units[0].key != key


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Arch:", "Arc:", "flowers.yaml has no Arch with a name, so that it says no network"),
        ("name: SqueezeNet1_1", "name: SqueezeNet9", "paddle has no model 'SqueezeNet9'. Did you mean"),
        (
            "CropImage",
            "RandomErasing",
            "cannot be prepared as it says: its transform RandomErasing is not known",
        ),
        ("        - ResizeImage: {resize_short: 73}\n", "", "it does not resize and normalise"),
        ("1.0/255.0", "0.5", "NormalizeImage has the scale 0.5, which is not known here"),
        ("Eval:", "Test:", "its transform UnknownImage is not known here"),
        ("Arch:", "Arch: [", "this is not YAML"),
    ],
)
def test_a_config_that_cannot_be_taken_is_told(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        _plan(tmp_path, CONFIG.replace(old, new))
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith("pipeline.yaml:5: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    name: flowers\n", "", "a model given as a config needs a name"),
        ("./flowers.yaml", "./none.yaml", "none.yaml. Correct the path of the config."),
    ],
)
def test_an_entry_that_is_wrong_is_told(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        _plan(tmp_path, CONFIG, FILE.replace(old, new))
