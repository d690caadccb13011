"""Random numbers: which ones an operator draws, with or without a seed, is each runtime's own."""

from __future__ import annotations

from opsets.registry import impossible, refused

refused(
    "Bernoulli",
    15,
    14,
    "no runtime promises that RandomUniformLike, by which it is defined, draws the same random numbers",
)
impossible(
    "Multinomial",
    7,
    6,
    "what it draws is each runtime's own affair, so that no other operator draws the same random numbers",
)
