"""The source without a framework, as every process that is to know it registers it."""

from __future__ import annotations

from pathlib import Path

from converters.interface import Source
from converters.registry import SOURCES

NAME = "tiny"


def source_in(folder: Path) -> Source:
    """The source whose files ``tests.pipeline.fake_source`` has written to ``folder``."""
    about = (NAME, "Tiny", folder, (".npz",), "MIT", "org.example")
    return Source(*about, reads_model_folders=True, start_seconds=0.5)


def register(folder: Path) -> None:
    """Let this process know of it."""
    SOURCES[NAME] = source_in(folder)
