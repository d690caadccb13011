"""Small copies of pictures: small, upright, without what else the picture told, the same bytes each time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.errors import EvaluationError
from evaluation.thumbnails import LONGEST_SIDE, thumbnail


def _picture(file: Path, size: tuple[int, int], mode: str = "RGB", **options: Any) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(file, **options)
    return file


@pytest.mark.parametrize(
    ("size", "expected"), [((1000, 500), (320, 160)), ((300, 900), (107, 320)), ((50, 40), (50, 40))]
)
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "1"])
def test_a_thumbnail_is_a_small_jpeg(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int], mode: str
) -> None:
    small = Image.open(io.BytesIO(thumbnail(_picture(tmp_path / "picture.png", size, mode))))
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", expected)
    assert max(small.size) <= LONGEST_SIDE


def test_it_is_upright_and_tells_nothing_else(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "taken at home"
    file = _picture(tmp_path / "photo.jpg", (400, 200), exif=exif, comment=b"private", icc_profile=b"profile")
    content = thumbnail(file)
    small = Image.open(io.BytesIO(content))
    assert small.size == (160, 320)
    assert not small.getexif()
    assert "icc_profile" not in small.info
    assert b"private" not in content
    assert thumbnail(file) == content


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("words")
    with pytest.raises(EvaluationError, match=r"words\.png: the picture cannot be read"):
        thumbnail(tmp_path / "words.png")
