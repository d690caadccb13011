"""Which pictures of a folder are calibrated on, and on which others the result is compared."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantization.errors import QuantizationError
from quantization.gate import FEWEST


@dataclass(frozen=True)
class Choice:
    """Disjoint pictures, as paths."""

    calibration: tuple[Path, ...]
    gate: tuple[Path, ...]


def choose(pictures: Sequence[Path], calibration: int, gate: int, seed: int) -> Choice:
    """At most ``calibration`` and ``gate`` of ``pictures``, by ``seed``, spread over their folders.

    A folder is a class. Where there are fewer, the gate has the first claim, on a half of them at most.

    Raises:
        QuantizationError: there are fewer than 2 of each.
    """
    if len(pictures) < 2 * FEWEST:
        raise QuantizationError(
            f"pictures are too few, being {len(pictures)}: at least {FEWEST} to calibrate on and {FEWEST} "
            "others to compare on are needed, and hundreds are better"
        )
    order = _spread(pictures, seed)
    for_gate = min(gate, len(order) // 2)
    return Choice(tuple(order[for_gate : for_gate + calibration]), tuple(order[:for_gate]))


def _spread(pictures: Sequence[Path], seed: int) -> list[Path]:
    """All pictures, one of each folder after the other, in an order that ``seed`` decides."""
    chance = random.Random(seed)  # noqa: S311 - a choice that has to be the same again
    folders: dict[Path, list[Path]] = {}
    for picture in pictures:
        folders.setdefault(picture.parent, []).append(picture)
    for some in folders.values():
        chance.shuffle(some)
    rounds = max(map(len, folders.values()))
    return [some[place] for place in range(rounds) for some in folders.values() if place < len(some)]
