"""What is verified may lie anywhere, or be one file, or somebody else's; and wrong places are told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from pipeline.errors import PipelineError, UsageError
from pipeline.workers.processes import Limits
from publishing.archive import DataSet
from publishing.manifest import CHECKSUMS
from tests.commands import run_command
from tests.loopback import answered_by
from tests.pipeline.verify.verifying import (
    FOLDER,
    UNIT,
    Verify,
    bomb,
    make_zoo,
    renamed,
    rewrite_archive,
    with_model,
)
from tests.publishing import verified_zoo

pytestmark = pytest.mark.slow


def test_what_is_served_is_verified(verified: Verify, tmp_path: Path, server: tuple[Path, str]) -> None:
    folder, address = server
    verified_zoo.make(folder / "zoo", tmp_path, (7, 12))
    well, lines = verified(f"{address}/zoo/")
    assert well, lines
    assert "came out right in onnxruntime" in lines[1]
    assert "  note: a web server does not list its files: extra ones were not looked for" in lines
    file = folder / "zoo" / f"{UNIT}.tar.gz"
    file.write_bytes(file.read_bytes()[:-9])
    (folder / "zoo" / f"{FOLDER}/tiny-7.onnx").unlink()
    well, lines = verified(f"{address}/zoo")
    assert not well
    assert lines[-3].startswith(f"{UNIT}.tar.gz: is cut short: ")
    assert lines[-2:] == [f"{FOLDER}/tiny-7.onnx: is missing", "2 files are not as published."]


@pytest.fixture
def breaking(server: tuple[Path, str]) -> Iterator[str]:
    """A server that breaks off in the middle of every archive."""
    folder, _ = server

    class Breaks(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = folder / self.path.lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:100] if path.name.endswith(".tar.gz") else content)

    with answered_by(Breaks) as address:
        yield address


def test_a_connection_that_breaks_is_told(
    verified: Verify, tmp_path: Path, server: tuple[Path, str], breaking: str
) -> None:
    verified_zoo.make(server[0] / "zoo", tmp_path, (12,))
    well, lines = verified(f"{breaking}/zoo")
    assert not well
    assert lines[-2].startswith(f"{UNIT}.tar.gz: cannot be read: the connection broke: ")
    assert "received 100 bytes" in lines[-2]


def test_other_places_are_verified(verified: Verify, tmp_path: Path) -> None:
    verified_zoo.make("memory://verified", tmp_path, (12,))
    zoo = make_zoo(tmp_path)
    well, lines = verified("memory://verified", f"file://{zoo}")
    assert well, lines
    assert lines.count("All is well.") == 2
    with pytest.raises(UsageError, match="memory://nothing is empty"):
        verified("memory://nothing")
    with pytest.raises(UsageError, match="Protocol not known: bogus"):
        verified("bogus://x/y")


def test_a_file_of_another_zoo_is_verified(verified: Verify, tmp_path: Path) -> None:
    file = make_zoo(tmp_path) / f"{UNIT}.tar.gz"
    alone = file.rename(tmp_path / "other-12.tar.gz")
    well, lines = verified(alone)
    assert well, lines
    assert "  note: no other-12.record.json lies beside it: its digest was compared with nothing" in lines
    rewrite_archive(alone, lambda name, old: renamed("")(old) if "input_0" in name else old)
    well, lines = verified(alone)
    assert not well
    assert lines[-3] == (
        "other-12.tar.gz: test_data_set_0/input_0.pb has no name, and the graph's input is 'image'"
    )


def test_a_model_of_two_inputs_is_not_said_to_be_well(verified: Verify, tmp_path: Path) -> None:
    model = verified_zoo.network(12)
    model.graph.input.append(helper.make_tensor_value_info("second", 1, [1]))
    second = np.ones(1, np.float32)
    tested = [DataSet([*item.inputs, second], item.outputs) for item in verified_zoo.data_sets()]
    well, lines = verified(with_model(tmp_path, model, 12, tested))
    assert not well
    words = "its test data was not run: the graph has 2 input(s) and 1 output(s), and only one of each can"
    assert lines[-2] == f"{UNIT}.tar.gz: {words} be run here"


def as_others_made_it(opset: int) -> onnx.ModelProto:
    """A network whose logits are (N, 7, 1, 1), as those of SqueezeNet are."""
    model = verified_zoo.network(opset)
    model.graph.node[3].output[0] = "dense"
    model.graph.node.append(helper.make_node("Unsqueeze", ["dense"], ["logits"], axes=[2, 3]))
    for length in (1, 1):
        model.graph.output[0].type.tensor_type.shape.dim.add(dim_value=length)
    return model


def test_other_shapes_and_a_single_data_set_are_run(verified: Verify, tmp_path: Path) -> None:
    sets = [DataSet(item.inputs, [item.outputs[0][:, :, None, None]]) for item in verified_zoo.data_sets()]
    zoo = with_model(tmp_path, as_others_made_it(9), 9, sets[:1])
    file = (zoo / f"{FOLDER}/tiny-9.tar.gz").rename(tmp_path / "alone.tar.gz")
    well, lines = verified(file)
    assert well, lines
    note = "  note: alone.tar.gz: its test data says little: the reference logits hardly depend on the input"
    assert any(line.startswith(note) for line in lines), lines
    wrong = [DataSet(sets[0].inputs, [np.add(sets[0].outputs[0], 0.1, dtype=np.float32)])]
    file = (with_model(tmp_path, as_others_made_it(9), 9, wrong) / f"{FOLDER}/tiny-9.tar.gz").rename(file)
    well, lines = verified(file)
    assert not well


def test_what_grows_or_hangs_is_ended(
    verified: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = make_zoo(tmp_path)
    limits = Limits(seconds=120, memory=20 << 20, look_seconds=0.001)  # a small model takes a moment only
    monkeypatch.setattr("pipeline.verify.unit.LIMITS", limits)
    well, lines = verified(zoo)
    assert not well
    words = "could not be checked: the process that checks it grew past its memory limit of 0.0195312 GiB"
    assert lines[-3:-1] == [f"{UNIT}.onnx: {words}", f"{UNIT}.tar.gz: {words}"]


def test_wrong_places_are_told(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    for place, words in (
        (tmp_path / "absent", "absent: there is no such file or folder"),
        (tmp_path / "notes.txt", r"a file to verify is an \.onnx or a \.tar\.gz"),
        (zoo / "timm", f"is no published folder: .*It lies inside a published folder: {zoo}"),
    ):
        with pytest.raises(UsageError, match=words):
            verified(place)
    with pytest.raises(PipelineError, match=r"http://127\.0\.0\.1:9/zoo cannot be read: .*refused") as caught:
        verified("http://127.0.0.1:9/zoo")
    assert caught.value.exit_code == 1


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run_command("verify", *map(str, arguments), folder=Path.cwd())


def test_the_exit_codes(tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    assert command(zoo).returncode == 0
    (zoo / "README.md").unlink()
    answer = command("--digests-only", zoo)
    assert answer.returncode == 1
    assert answer.stdout.endswith("README.md: is missing\n1 file is not as published.\n")
    answer = command(tmp_path / "absent")
    assert answer.returncode == 2
    assert answer.stderr == f"error: {tmp_path / 'absent'}: there is no such file or folder.\n"
    assert command().returncode == 2


def test_a_name_does_nothing_to_the_terminal(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    (zoo / "a\x1b[2Jb\nAll is well.").write_bytes(b"x")
    well, lines = verified(zoo, digests_only=True)
    assert not well
    assert lines[-2] == f"a\\x1b[2Jb\\nAll is well.: is extra: {CHECKSUMS} does not list it"


def test_no_room_is_told(verified: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr("pipeline.workers.forks._SERVERS", {})  # those that are there were started before
    verified_zoo.make("memory://room", tmp_path, (12,))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (1000, 3500):  # not enough to fetch the archive, nor to unpack it
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
            with pytest.raises(PipelineError, match=r"finds no room: .*File too large\. Make some, or name"):
                verified("memory://room")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_nothing_is_left_behind(verified: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    zoo = make_zoo(tmp_path)
    bomb(zoo / f"{UNIT}.tar.gz")
    verified_zoo.list_again(zoo, 12)
    assert not verified(zoo)[0]
    assert list(scratch.iterdir()) == []
