"""The memory that is left: of the machine, or of the control group."""

from __future__ import annotations

from pathlib import Path

import psutil

from pipeline.system.memory import available_memory


def _group(folder: Path, limit: str, used: str, cached: int = 0) -> Path:
    (folder / "memory.max").write_text(limit + "\n")
    (folder / "memory.current").write_text(used + "\n")
    (folder / "memory.stat").write_text(f"anon 7\ninactive_file {cached}\nactive_file 9\n")
    return folder


def test_the_limit_of_a_control_group_counts(tmp_path: Path) -> None:
    assert available_memory(_group(tmp_path, "5000000", "2000000")) == 3000000
    assert available_memory(_group(tmp_path, "5000000", "6000000")) == 0
    assert available_memory(_group(tmp_path, "5000000", "6000000", 1500000)) == 500000


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    for limit in ("max", str(10 * total)):
        assert 0.01 * total < available_memory(_group(tmp_path, limit, "1")) <= total
    assert 0.01 * total < available_memory(tmp_path / "no such group") <= total
