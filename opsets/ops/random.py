"""Random numbers, which are not the same twice: an older form would draw others."""

from __future__ import annotations

from opsets.registry import impossible

impossible("Bernoulli", 15, 14, "no older operator draws the same random numbers")
impossible("Multinomial", 7, 6, "no older operator draws the same random numbers")
