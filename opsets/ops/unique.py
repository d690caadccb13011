"""Unique: new at 11."""

from __future__ import annotations

from opsets.registry import impossible

impossible("Unique", 11, 10, "no older operator makes an output whose size depends on the data by sorting it")
