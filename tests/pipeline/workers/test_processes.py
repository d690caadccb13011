"""Processes that raise, abort, hang or eat the memory, for real."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pipeline.errors import TimeLimitError, WorkerError
from pipeline.system.interrupts import Interrupted
from pipeline.workers import fork_server
from pipeline.workers.forks import Preloaded
from pipeline.workers.processes import Command, Limits, _Tree, run_process

pytestmark = pytest.mark.slow

GROW = "import time; b = bytearray(400 << 20); b[::4096] = b'x' * len(b[::4096]); time.sleep(600)"
SCRIPT = Path(fork_server.__file__)
"""What is imported for forks that need nothing."""
QUICK = Limits(seconds=60, memory=1 << 30)


Run = Callable[..., int]


@pytest.fixture(params=["started", "forked"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a program of Python to its end, in a process of its own or in a fork: nobody can tell which."""

    def to_end(code: str, limits: Limits = QUICK, stop: threading.Event | None = None) -> int:
        (tmp_path / "program.py").write_text(code)
        line = [sys.executable, "program.py"]
        preloaded = Preloaded(Path(sys.executable), SCRIPT) if request.param == "forked" else None
        return run_process(
            Command(line, os.environ, tmp_path, preloaded),
            what="the worker",
            log=tmp_path / "worker.log",
            limits=limits,
            stop=stop or threading.Event(),
        )

    return to_end


def test_output_goes_to_the_log(run: Run, tmp_path: Path) -> None:
    assert run("import sys; print('out'); print('err', file=sys.stderr)") == 0
    assert set((tmp_path / "worker.log").read_text().split()) == {"out", "err"}


def test_an_exception_shows_the_last_lines_of_the_log(run: Run) -> None:
    with pytest.raises(WorkerError, match=r"(?s)exit code 1\. Its log, .*ValueError: broken weights"):
        run("raise ValueError('broken weights')")


def test_an_abort_is_named_by_its_signal(run: Run) -> None:
    with pytest.raises(WorkerError, match="the worker was ended by SIGABRT"):
        run("import os; os.abort()")


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


def test_a_hang_ends_at_its_limit_with_all_its_children(run: Run, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(TimeLimitError, match=r"did not end within its limit of 2 s"):
        run(code, Limits(seconds=2, memory=1 << 30))
    child = int((tmp_path / "worker.log").read_text().split()[0])
    assert _ends(child)


def test_growing_past_the_memory_limit_ends_it(run: Run) -> None:
    code = GROW
    with pytest.raises(WorkerError, match=r"grew past its memory limit of 0\.25 GiB"):
        run(code, Limits(seconds=120, memory=256 << 20))


def test_memory_of_children_counts(run: Run) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {GROW!r}])"
    with pytest.raises(WorkerError, match="memory limit"):
        run(code, Limits(seconds=120, memory=256 << 20))


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
        known = _Tree(observed.pid)
        while len(observed.children()) > 20:
            seen += [known.resident_bytes(), _Tree(observed.pid).resident_bytes()]
    assert min(seen) > 100 << 20


def test_what_has_ended_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        tree = _Tree(child.pid)
        assert tree.resident_bytes() > 0
        child.kill()
    assert tree.resident_bytes() == 0


def test_a_stop_ends_it(run: Run) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        run("import time; time.sleep(600)", stop=stop)
    assert time.monotonic() - begun < 300  # it did not wait for the sleep


def test_a_command_that_does_not_exist_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="cannot be started"):
        run_process(
            Command([str(tmp_path / "none")], {}, tmp_path),
            what="the worker",
            log=tmp_path / "log",
            limits=QUICK,
            stop=threading.Event(),
        )


ALLOCATE = "import time; b = bytearray(300 << 20); b[::4096] = b'x' * len(b[::4096]); time.sleep(0.5)"


def _peak(run: Run, *programs: str) -> int:
    limits = Limits(seconds=120, memory=1 << 30)
    for code in programs:
        run(code, limits)
    return limits.peak.bytes


def test_the_peak_of_a_process_is_known_although_it_gave_the_memory_back(run: Run) -> None:
    assert 300 << 20 <= _peak(run, f"{ALLOCATE}; del b; time.sleep(0.5)") < 400 << 20


def test_the_peak_of_a_child_counts(run: Run, tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ALLOCATE!r}])"
    assert 300 << 20 <= _peak(run, code) < 500 << 20


def test_our_own_memory_is_not_taken_for_that_of_a_small_process(run: Run) -> None:
    ours = bytearray(300 << 20)
    ours[::4096] = b"x" * len(ours[::4096])
    assert 0 < _peak(run, "import time; time.sleep(0.5)") < 100 << 20


def test_the_largest_of_several_processes_is_kept(run: Run) -> None:
    assert _peak(run, ALLOCATE, "import time; time.sleep(0.2)") >= 300 << 20
