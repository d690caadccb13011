"""Servers that have imported what many calls need, and what becomes of their forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pipeline.errors import WorkerError
from pipeline.workers import forks
from pipeline.workers.forks import Preloaded
from pipeline.workers.processes import Command, Limits, run_process

pytestmark = pytest.mark.slow

COUNTED = """\
from pathlib import Path
with Path("/FOLDER/imports").open("a") as file:
    print("imported", file=file)
values = []
"""
"""A module that notes each time that it is imported."""
PROGRAM = """\
import os, sys, counted
counted.values.append(1)
print(len(counted.values), *sys.argv[1:], os.environ["WHO"], os.getcwd(), sys.stdin.read() == "")
"""
CHILDREN_END = 60.0

Answer = Callable[..., str]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "counted.py").write_text(COUNTED.replace("/FOLDER", str(tmp_path)))
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "imports.py").write_text("import counted\n")
    return tmp_path / "imports.py"


@pytest.fixture
def answer(tmp_path: Path, script: Path) -> Answer:
    """What a program prints that is run in a fork of a server with the imports of ``script``."""

    def run(*line: str, who: str = "one", preloaded: Preloaded | None = None) -> str:
        number = len(list(tmp_path.glob("log-*")))
        (folder := tmp_path / f"folder-{number}").mkdir()
        run_process(
            Command(
                [sys.executable, *(line or (str(tmp_path / "program.py"),))],
                {**os.environ, "WHO": who},
                folder,
                preloaded or Preloaded(Path(sys.executable), script),
            ),
            what="the worker",
            log=tmp_path / f"log-{number}",
            limits=Limits(seconds=60),
            stop=threading.Event(),
        )
        return (tmp_path / f"log-{number}").read_text()

    return run


def _imports(folder: Path) -> int:
    return len((folder / "imports").read_text().splitlines())


def test_imports_are_made_once_and_nothing_else_is_shared(answer: Answer, tmp_path: Path) -> None:
    program = str(tmp_path / "program.py")
    for number, who in enumerate(("first", "second")):
        said = answer(program, "a", "b c", who=who)
        assert said == f"1 a b c {who} {tmp_path / f'folder-{number}'} True\n"
    assert _imports(tmp_path) == 1


def test_many_at_a_time_have_one_server(answer: Answer, tmp_path: Path) -> None:
    threads = [threading.Thread(target=answer, kwargs={"who": str(number)}) for number in range(8)]
    (tmp_path / "program.py").write_text("import counted, time; time.sleep(0.5)\n")
    for thread in threads:
        thread.start()
        while len(list(tmp_path.glob("log-*"))) <= threads.index(thread):
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert _imports(tmp_path) == 1


def test_other_variables_are_another_server(answer: Answer, tmp_path: Path, script: Path) -> None:
    for value in ("1", "2", "1"):
        answer(preloaded=Preloaded(Path(sys.executable), script, variables=(("THREADS", value),)))
    assert _imports(tmp_path) == 2


def test_imports_that_fail_are_told_by_the_script_that_needs_them(answer: Answer, tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text("raise ImportError('no such library')\n")
    with pytest.raises(WorkerError, match=r"(?s)exit code 1.*no such library"):
        answer()


@pytest.mark.parametrize("ending", ["os.abort()", "os._exit(3)", "sys.exit()", "os.kill(os.getpid(), 9)"])
def test_imports_that_end_the_process_end_one_of_the_calls_own(
    answer: Answer, tmp_path: Path, ending: str
) -> None:
    (tmp_path / "counted.py").write_text(f"import os, sys\nprint('begins', flush=True)\n{ending}\n")
    if ending == "sys.exit()":
        assert answer() == "begins\n"
        return
    with pytest.raises(WorkerError, match=r"(?s)(SIGABRT|exit code 3|SIGKILL).*begins"):
        answer()


def test_a_modules_import_that_fails_costs_only_the_time_that_it_saves(answer: Answer, script: Path) -> None:
    preloaded = Preloaded(Path(sys.executable), script, ("no_such_module",))
    assert answer(preloaded=preloaded).startswith("1 ")


def test_a_server_that_ended_is_started_again(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "IDLE_SECONDS", 0.2)
    answer()
    time.sleep(1.5)
    answer()
    assert _imports(tmp_path) == 2


def test_a_server_that_is_killed_ends_what_it_runs_and_the_next_call_has_another(
    answer: Answer, tmp_path: Path
) -> None:
    (tmp_path / "kill.py").write_text("import os, time; os.kill(os.getppid(), 9); time.sleep(600)\n")
    with pytest.raises(WorkerError, match="was ended by SIGKILL"):
        answer(str(tmp_path / "kill.py"))
    assert answer().startswith("1 ")


OWNER = """\
import sys, threading
from pathlib import Path
from pipeline.workers.forks import Preloaded
from pipeline.workers.processes import Command, Limits, run_process
import os
folder = Path(sys.argv[1])
preloaded = Preloaded(Path(sys.executable), folder / "imports.py")
command = Command([sys.executable, str(folder / "program.py")], os.environ, folder, preloaded)
run_process(command, what="it", log=folder / "log", limits=Limits(seconds=600), stop=threading.Event())
"""


LASTING = """\
import os, time
from pathlib import Path
part = Path("part")
part.write_text(f"{os.getppid()} {os.getpid()}")
part.rename("pids")
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whoever_started_it_takes_it_along(tmp_path: Path, script: Path, number: signal.Signals) -> None:
    assert script.is_file()
    noted, scratch = tmp_path / "pids", tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "program.py").write_text(LASTING)
    line, variables = [sys.executable, "-c", OWNER, str(tmp_path)], {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(line, env=variables, start_new_session=True) as owner:
        deadline = time.monotonic() + CHILDREN_END
        while not noted.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        server, fork = map(int, noted.read_text().split())
        assert not list(scratch.iterdir()), "it would be left where nobody can tidy up"
        owner.send_signal(number)
    while any(map(psutil.pid_exists, (server, fork))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in (server, fork) if psutil.pid_exists(pid)]


LEFT_BY_IMPORTS = {
    "what takes for ever at exit": "import atexit, time\natexit.register(time.sleep, 600)",
    "its own answer to the signal": "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
}
"""Paddle's answer to the signal is a function that can lock up in an interpreter that ends."""
DEAF = """\
import os, signal, time
from pathlib import Path
noted = Path("/FOLDER/pid")
if not noted.exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path("/FOLDER/part").write_text(str(os.getpid()))
    Path("/FOLDER/part").rename(noted)
    time.sleep(600)
values = []
"""
"""A module that the first process which imports it never gets past."""


def _end_servers() -> None:
    for server in forks._SERVERS.values():
        server.end()


@pytest.mark.parametrize("left", LEFT_BY_IMPORTS.values(), ids=LEFT_BY_IMPORTS)
def test_a_server_ends_at_once_whatever_its_imports_left(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setattr(forks, "END_SECONDS", 600.0)
    (tmp_path / "counted.py").write_text(left)
    (tmp_path / "program.py").write_text("import os; print(os.getppid())")
    server = psutil.Process(int(answer()))
    _end_servers()
    assert not server.is_running()


def test_a_server_whose_imports_are_deaf_is_killed(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "END_SECONDS", 0.1)
    (tmp_path / "counted.py").write_text(DEAF.replace("/FOLDER", str(tmp_path)))
    call = threading.Thread(target=answer)
    call.start()
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    server = psutil.Process(int((tmp_path / "pid").read_text()))
    _end_servers()
    assert not server.is_running()
    call.join()
