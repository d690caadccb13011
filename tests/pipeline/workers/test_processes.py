"""Processes that raise, abort, hang or eat the memory, for real."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from pipeline.errors import TimeLimitError, WorkerError
from pipeline.system.interrupts import Interrupted
from pipeline.workers.processes import Limits, _Tree, run_process

GROW = "import time; b = bytearray(400 << 20); b[::4096] = b'x' * len(b[::4096]); time.sleep(600)"
QUICK = Limits(seconds=60, memory=1 << 30)


def _run(folder: Path, code: str, limits: Limits = QUICK, stop: threading.Event | None = None) -> int:
    return run_process(
        [sys.executable, "-c", code],
        what="the worker",
        log=folder / "worker.log",
        limits=limits,
        environment=os.environ,
        folder=folder,
        stop=stop or threading.Event(),
    )


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    assert _run(tmp_path, "import sys; print('out'); print('err', file=sys.stderr)") == 0
    assert set((tmp_path / "worker.log").read_text().split()) == {"out", "err"}


def test_an_exception_shows_the_last_lines_of_the_log(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"(?s)exit code 1\. Its log, .*ValueError: broken weights"):
        _run(tmp_path, "raise ValueError('broken weights')")


def test_an_abort_is_named_by_its_signal(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="the worker was ended by SIGABRT"):
        _run(tmp_path, "import os; os.abort()")


def _ends(process: int) -> bool:
    """Whether a process that was sent a signal is gone, which takes the system a moment."""
    for _ in range(200):
        try:
            if psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_a_hang_ends_at_its_limit_with_all_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(TimeLimitError, match=r"did not end within its limit of 2 s"):
        _run(tmp_path, code, Limits(seconds=2, memory=1 << 30))
    child = int((tmp_path / "worker.log").read_text().split()[0])
    assert _ends(child)


def test_growing_past_the_memory_limit_ends_it(tmp_path: Path) -> None:
    code = GROW
    with pytest.raises(WorkerError, match=r"grew past its memory limit of 0\.25 GiB"):
        _run(tmp_path, code, Limits(seconds=120, memory=256 << 20))


def test_memory_of_children_counts(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {GROW!r}])"
    with pytest.raises(WorkerError, match="memory limit"):
        _run(tmp_path, code, Limits(seconds=120, memory=256 << 20))


MANY_THEN_LARGE = """
import subprocess, time
small = [subprocess.Popen(["sleep", f"{1.5 + number / 100}"]) for number in range(250)]
block = "b = bytearray(100 << 20); b[::4096] = b'x' * len(b[::4096]); print(flush=True)"
wait = "; import sys; sys.stdin.read()"
large = subprocess.Popen(["PYTHON", "-c", block + wait], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
large.stdout.readline()
print(flush=True)
for each in small: each.wait()
"""


def test_children_that_come_and_go_hide_no_memory() -> None:
    """At many looks, a child that was listed has ended before its turn comes; the large one is the last."""
    code = MANY_THEN_LARGE.replace("PYTHON", sys.executable)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        parent.stdout.readline()
        observed, seen = psutil.Process(parent.pid), []
        known = _Tree(observed)
        while len(observed.children()) > 20:
            seen += [known.resident_bytes(), _Tree(observed).resident_bytes()]
    assert min(seen) > 100 << 20


def test_what_has_ended_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        tree = _Tree(psutil.Process(child.pid))
        assert tree.resident_bytes() > 0
        child.kill()
    assert tree.resident_bytes() == 0


def test_a_stop_ends_it(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        _run(tmp_path, "import time; time.sleep(600)", stop=stop)
    assert time.monotonic() - begun < 300  # it did not wait for the sleep


def test_a_command_that_does_not_exist_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="cannot be started"):
        run_process(
            [str(tmp_path / "none")],
            what="the worker",
            log=tmp_path / "log",
            limits=QUICK,
            environment={},
            folder=tmp_path,
            stop=threading.Event(),
        )


ALLOCATE = "import time; b = bytearray(300 << 20); b[::4096] = b'x' * len(b[::4096]); time.sleep(0.5)"


def _peak(folder: Path, *programs: str) -> int:
    limits = Limits(seconds=120, memory=1 << 30)
    for code in programs:
        _run(folder, code, limits)
    return limits.peak.bytes


def test_the_peak_of_a_process_is_known_although_it_gave_the_memory_back(tmp_path: Path) -> None:
    assert 300 << 20 <= _peak(tmp_path, f"{ALLOCATE}; del b; time.sleep(0.5)") < 400 << 20


def test_the_peak_of_a_child_counts(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ALLOCATE!r}])"
    assert 300 << 20 <= _peak(tmp_path, code) < 500 << 20


def test_our_own_memory_is_not_taken_for_that_of_a_small_process(tmp_path: Path) -> None:
    ours = bytearray(300 << 20)
    ours[::4096] = b"x" * len(ours[::4096])
    assert 0 < _peak(tmp_path, "import time; time.sleep(0.5)") < 100 << 20


def test_the_largest_of_several_processes_is_kept(tmp_path: Path) -> None:
    assert _peak(tmp_path, ALLOCATE, "import time; time.sleep(0.2)") >= 300 << 20
