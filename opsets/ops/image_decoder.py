"""ImageDecoder: new at 20."""

from __future__ import annotations

from opsets.registry import refused

refused("ImageDecoder", 20, 19, "no older operator reads a compressed picture")
