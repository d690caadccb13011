"""A zoo is shown at whatever address is asked for: of IPv4, of IPv6, or by a name."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from pipeline.commands.serve import serve
from pipeline.errors import PipelineError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("a catalogue")
    return tmp_path


@contextmanager
def serving(folder: Path, host: str) -> Iterator[str]:
    """The address that the command prints; it ends when it is interrupted."""
    command = [sys.executable, "-m", "pipeline", "serve", str(folder), "--host", host, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            line = server.stdout.readline()
            match = re.fullmatch(rf"serving {folder} at (http://\S+:\d+/) \(Ctrl\+C ends it\)\n", line)
            assert match, line
            yield match[1]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, "stopped\n")


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "shown"),
    [("::1", "[::1]"), ("[::1]", "[::1]"), ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")],
)
def test_serve_takes_addresses_and_names(host: str, shown: str, folder: Path) -> None:
    if "::1" in host and not has_ipv6():
        pytest.skip("NOT TESTED: an IPv6 address. This machine has none.")
    with serving(folder, host) as address:
        assert address.startswith(f"http://{shown}:")
        assert httpx2.get(address).text == "a catalogue"


def test_a_host_that_is_not_ours_is_told(folder: Path) -> None:
    for host, shown in (
        ("no.such.host.invalid", "no.such.host.invalid"),
        ("2001:db8::1", r"\[2001:db8::1\]"),
    ):
        with pytest.raises(PipelineError, match=rf"cannot serve on {shown}:0: .*; give another --host"):
            serve(folder, host, 0)
