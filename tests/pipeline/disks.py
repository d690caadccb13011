"""Real file systems of a few megabytes, for what happens on a disk that is full or can only be read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount an empty file system at ``folder``; a test that cannot have one is skipped, and says so."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if not mount or not unmount:
        pytest.skip("NOT TESTED: a small disk. File systems cannot be mounted here.")
    command = [mount, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: a small disk. Only an administrator can mount a file system.")
    try:
        yield
    finally:
        subprocess.run([unmount, str(folder)], check=True)
