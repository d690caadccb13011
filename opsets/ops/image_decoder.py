"""ImageDecoder: new at 20."""

from __future__ import annotations

from opsets.registry import refuses

refuses(
    "ImageDecoder",
    20,
    19,
    "no older operator reads a compressed picture; decode it before it enters the model",
)
