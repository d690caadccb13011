"""What a worker inherits, in processes of their own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.workers.sources import worker_environment

BLOCK = 8 << 20
FREE = f"""
first = bytearray({BLOCK})
del first
blocks = [bytearray(b"x") * {BLOCK} for _ in range(20)]
last = blocks.pop()  # lies above the others: what is not given back one by one stays
blocks.clear()
import psutil
print(psutil.Process().memory_info().rss)
"""
FILL = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
block = b"x" * (256 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_SMALL_PAGES = (256 << 20) // 4096


def _printed(program: str, environment: dict[str, str]) -> int:
    command = [sys.executable, "-c", program]
    return int(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is a habit of glibc, which is not here")
def test_a_worker_gives_back_what_it_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    kept = _printed(FREE, dict(os.environ))
    left = _printed(FREE, worker_environment({}))
    assert kept - left > 15 * BLOCK


def test_a_worker_takes_large_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    if platform.libc_ver() < ("glibc", "2.35") or not HUGE_PAGES.exists():
        pytest.skip("NOT TESTED: this needs glibc 2.35 or newer, and Linux")
    if "[never]" in HUGE_PAGES.read_text():
        pytest.skip(f"NOT TESTED: this system hands out no large pages, as {HUGE_PAGES} says")
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert _printed(FILL, worker_environment({})) < _SMALL_PAGES / 50
    if "[madvise]" in HUGE_PAGES.read_text():
        assert _printed(FILL, dict(os.environ)) >= _SMALL_PAGES


def test_threads_that_wait_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert worker_environment({})["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_MMAP_THRESHOLD_", "4096"),
        ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0"),
        ("OMP_WAIT_POLICY", "ACTIVE"),
    ],
)
def test_the_user_has_the_last_word(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert worker_environment({})[name] == value


def test_variables_about_our_python_stay_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/somewhere/start.py")
    assert "PYTHONSTARTUP" not in worker_environment({})
    assert worker_environment({"PYTHONPATH": "/modules"})["PYTHONPATH"] == "/modules"
