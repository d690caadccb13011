"""Whether pictures can be read: told of all of them at once, before anything long is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from evaluation.errors import EvaluationError

NAMED = 3
"""Of pictures that cannot be read, so many are named."""


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into an EvaluationError that names the picture ``name``."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise EvaluationError(f"{name}: not a picture that Pillow knows; use PNG or JPEG") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EvaluationError(f"{name}: the picture cannot be read ({error}); replace the file") from error
    except EvaluationError as error:
        raise EvaluationError(f"{name}: {error}") from error


def require_levels(image: Image.Image) -> None:
    """Raise EvaluationError for pixels whose black and white nobody knows."""
    if image.mode == "F":
        raise EvaluationError(
            "the picture holds floating point pixels, whose black and white are unknown; "
            "save it with 8 or 16 bits per channel"
        )


def why_unreadable(picture: Path, *, decoded: bool) -> str:
    """Why ``picture`` cannot be read, with its name; nothing where it can.

    Unless it is ``decoded`` only its beginning is looked at, which takes less than a millisecond: no picture
    at all is found so, and a truncated one is not. What was said of a file holds until it is written to.
    """
    try:
        status = picture.stat()
    except OSError as error:
        return f"{picture}: {error.strerror}"
    return _why_unreadable(picture, decoded, status.st_mtime_ns, status.st_size)


@cache
def _why_unreadable(picture: Path, decoded: bool, _changed: int, _bytes: int) -> str:
    try:
        with reading(str(picture)), Image.open(picture) as image:
            require_levels(image)
            if decoded:
                image.load()
    except EvaluationError as error:
        return str(error)
    return ""


def summary(reasons: Sequence[str], looked_at: int) -> str:
    """What is said of the pictures that ``reasons`` are about, of which there is one for each."""
    more = len(reasons) - NAMED
    others = f"; and {more} more" if more > 0 else ""
    return f"{len(reasons)} of {looked_at} pictures cannot be used: {'; '.join(reasons[:NAMED])}{others}"
