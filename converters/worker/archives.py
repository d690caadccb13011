"""Zip archives that others made: what they may unpack to.

Standard library only.
"""

from __future__ import annotations

import os
import zipfile
from typing import Iterable

from protocol import WEIGHTS, TaskError

SMALLEST_BOUND = 64 << 20
LARGEST_RATIO = 20
"""What an archive may become at most, in bytes or times its size: weights hardly compress."""


def require_bounded(members: Iterable[zipfile.ZipInfo], path: str, what: str) -> None:
    """Raise TaskError, which calls the archive ``what``, where ``members`` say that they are too large.

    That they do not become larger than they say is for the reader: ``zipfile`` stops there.
    """
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(SMALLEST_BOUND, LARGEST_RATIO * os.path.getsize(path)):
        raise TaskError(
            WEIGHTS,
            f"{what} would unpack to {unpacked} bytes, which is more than weights compress to: it was made "
            "to fill the memory or the disk; take the weights from elsewhere",
        )
