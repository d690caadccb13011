"""Signals of our own process: what they break off, what they only tell, and that they tell it once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from pipeline.system.interrupts import MESSAGE, Interrupted, at_most, interruptible, stopping
from tests.commands import ROOT


def _send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def _broken_off(work: Callable[[], None]) -> None:
    stop = threading.Event()
    with pytest.raises(Interrupted), interruptible(stop):
        work()
    assert stop.is_set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_breaks_off_what_the_main_thread_does(number: signal.Signals) -> None:
    def work() -> None:
        threading.Timer(0.05, _send, (number,)).start()
        time.sleep(600)

    before = signal.getsignal(number)
    _broken_off(work)
    assert signal.getsignal(number) is before


def test_nobody_takes_it_for_an_error() -> None:
    def work() -> None:
        with contextlib.suppress(Exception):  # as some library does
            _send(signal.SIGINT)
        pytest.fail("it was swallowed")

    _broken_off(work)


def test_another_signal_does_not_break_off_the_winding_up() -> None:
    wound_up = []

    def work() -> None:
        try:
            _send(signal.SIGINT)
        finally:
            _send(signal.SIGINT)
            wound_up.append(True)

    _broken_off(work)
    assert wound_up


def test_threads_that_are_waited_for_are_only_told() -> None:
    stop = threading.Event()
    with interruptible(threading.Event()), stopping(stop):
        _send(signal.SIGINT)
        assert stop.is_set()


def test_a_signal_after_the_threads_breaks_off_again() -> None:
    def work() -> None:
        with stopping(threading.Event()):
            pass
        _send(signal.SIGINT)

    _broken_off(work)


def test_what_takes_too_long_is_broken_off() -> None:
    with pytest.raises(Interrupted), at_most(0.05):
        time.sleep(600)
    with at_most(600):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


START = "import sys, os, signal\nsys.argv = ['pipeline', '--help']\nfrom pipeline.__main__ import start\n"
WHILE_IMPORTING = """\
class Signalling:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Signalling())
start()
"""
AT_THE_END = """\
import atexit
atexit.register(os.kill, os.getpid(), signal.{name})
start()
"""
IN_A_FINALIZER = """\
import threading
from pipeline.system.interrupts import interruptible, leave_at_signals
class Signalling:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
leave_at_signals()
with interruptible(threading.Event()):
    Signalling()
    print("it was swallowed")
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    ("code", "ends_with", "says"),
    [
        (WHILE_IMPORTING, 130, f"error: {MESSAGE}\n"),
        (AT_THE_END, 0, ""),
        (IN_A_FINALIZER, 130, f"error: {MESSAGE}\n"),
    ],
    ids=["while importing", "at the end", "in a finalizer"],
)
def test_a_signal_at_no_moment_ends_in_a_traceback(code: str, ends_with: int, says: str, name: str) -> None:
    command = [sys.executable, "-c", START + code.replace("{name}", name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (ends_with, says)
    assert "swallowed" not in done.stdout
