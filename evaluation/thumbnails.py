"""Small copies of pictures, to be looked at."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps

from evaluation.errors import EvaluationError

LONGEST_SIDE = 320
"""In pixels."""
_QUALITY = 85


def thumbnail(picture: Path) -> bytes:
    """A JPEG of ``picture`` of at most :data:`LONGEST_SIDE` pixels a side; the same bytes each time.

    Nothing of the picture's metadata is in it. Raises EvaluationError where it cannot be read.
    """
    try:
        with Image.open(picture) as image:
            small = ImageOps.exif_transpose(image).convert("RGB")
            small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EvaluationError(f"{picture}: the picture cannot be read ({error}); replace the file") from error
    stream = io.BytesIO()
    small.info.clear()  # what Pillow would carry over: profiles, comments, resolution
    small.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
