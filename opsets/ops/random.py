"""Random numbers: an older form, such as of RandomUniform, draws with the same odds, but others."""

from __future__ import annotations

from opsets.registry import refuses

refuses("Bernoulli", 15, 14, "no older operator is known to draw the same random numbers")
refuses("Multinomial", 7, 6, "no older operator is known to draw the same random numbers")
