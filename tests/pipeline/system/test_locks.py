"""A lock keeps others out, is freed in any case, and waiting for it can be stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.system.interrupts import Interrupted
from pipeline.system.locks import locked

NEVER = threading.Event()


def test_who_holds_it_keeps_others_out_until_it_dies(tmp_path: Path) -> None:
    code = (
        "import sys, threading; from pathlib import Path; from pipeline.system.locks import locked\n"
        "with locked(Path(sys.argv[1]), threading.Event()): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "below" / "work")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        stop = threading.Event()
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(Interrupted), locked(tmp_path / "below" / "work", stop):
            pytest.fail("two hold it")
        holder.kill()
    with locked(tmp_path / "below" / "work", NEVER):
        assert (tmp_path / "below" / "work.lock").exists()


def test_it_is_freed_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), locked(tmp_path / "work", NEVER):
        raise ValueError("inside")
    with locked(tmp_path / "work", NEVER):
        pass


def test_nobody_begins_who_is_to_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted), locked(tmp_path / "work", stop):
        pytest.fail("it was begun")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    place, message = tmp_path / "file" / "below" / "work", r"cannot write to .*/file/below: Not a directory"
    with pytest.raises(PipelineError, match=message), locked(place, NEVER):
        pytest.fail("it was begun")
