"""Pictures of one colour each, and what the fake source's network says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.inputs import prepare_file
from evaluation.preprocessing import Preprocessing
from tests.pipeline.fake_source import PREPROCESSING

CLASSES = 10


def colours(count: int) -> list[tuple[int, int, int]]:
    """Colours that are far from each other."""
    generator = np.random.default_rng(1)
    return [(int(red), int(green), int(blue)) for red, green, blue in generator.integers(0, 256, (count, 3))]


def answers(folder: Path, names: list[str]) -> list[int]:
    """The class that the network of the fake source, with its seed 0, finds most probable."""
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(3, CLASSES)).astype(np.float32)
    bias = np.arange(CLASSES, dtype=np.float32) / CLASSES
    wanted = Preprocessing.from_dict(PREPROCESSING)
    arrays = np.stack([prepare_file(folder / name, wanted) for name in names])
    return [int(index) for index in (arrays.mean(axis=(2, 3)) @ weight + bias).argmax(axis=1)]


def make_pictures(folder: Path, count: int) -> list[str]:
    """Write a flat folder of pictures; their names in order."""
    folder.mkdir(parents=True)
    names = [f"{index:03}.png" for index in range(count)]
    for name, colour in zip(names, colours(count), strict=True):
        Image.new("RGB", (12, 10), colour).save(folder / name)
    return names


def make_labelled(folder: Path, count: int, wrong: int = 0) -> list[int]:
    """The same with a label file, by which the network errs on the first ``wrong``; the labels."""
    names = make_pictures(folder, count)
    right = answers(folder, names)
    labels = [(label + 1) % CLASSES if index < wrong else label for index, label in enumerate(right)]
    (folder / "val_label.txt").write_text("".join(f"{label}\n" for label in labels))
    return labels
