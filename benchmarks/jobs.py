"""Pipeline files that benchmarks run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_job_of_timm(folder: Path, models: Sequence[str]) -> Path:
    """Write ``pipeline.yaml`` to ``folder``: networks of timm, random weights, ten opsets, into ``zoo``."""
    entries = [f"  - {{source: timm, model: {name}, weights: {{random: 0}}}}" for name in models]
    file = folder / "pipeline.yaml"
    file.write_text("\n".join(["publish: zoo", "opsets: 3-12", "models:", *entries, ""]))
    return file
