"""A downloaded zoo verified: all is well, or each file that is wrong, missing or extra has its message."""

from __future__ import annotations

import gzip
import http.server
import io
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from pipeline.errors import PipelineError, UsageError
from pipeline.processes import Limits
from pipeline.verify import verify_places
from publishing.announcement import announce
from publishing.archive import DataSet
from publishing.manifest import CHECKSUMS, MANIFEST
from publishing.stores import open_store
from publishing.zoo import Zoo
from tests.publishing import verified_zoo

FOLDER = "timm/small/model"
UNIT = f"{FOLDER}/tiny-12"

Verify = Callable[..., tuple[bool, list[str]]]


@pytest.fixture
def verified(capsys: pytest.CaptureFixture[str]) -> Verify:
    """Verify places; whether all is well, and the lines that are printed."""

    def verify(*places: Path | str, digests_only: bool = False) -> tuple[bool, list[str]]:
        well = verify_places([str(place) for place in places], None, digests_only)
        return well, capsys.readouterr().out.splitlines()

    return verify


def made(folder: Path, *opsets: int) -> Path:
    verified_zoo.make(folder / "zoo", folder, opsets or (12,))
    return folder / "zoo"


def with_model(folder: Path, model: onnx.ModelProto, opset: int, tested: list[DataSet] | None = None) -> Path:
    """A zoo of one model that is not quite what it should be; the lists know no better."""
    zoo = Zoo(open_store(folder / "zoo"))
    verified_zoo.put(zoo, folder, model, opset, tested)
    announce(zoo, verified_zoo.pages)
    return folder / "zoo"


def rewrite_archive(file: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Change the files in an archive."""
    entries = []
    with tarfile.open(file) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            entries.append((entry, change(entry.name, content.read()) if content else b""))
    with tarfile.open(file, "w:gz") as archive:
        for entry, data in entries:
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def test_all_is_well(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path, 3, 7, 12)
    before = {path: path.stat().st_mtime_ns for path in zoo.rglob("*")}
    well, lines = verified(zoo)
    assert well
    assert lines[0].startswith(f"{zoo}: 19 files, ")
    assert lines[0].endswith(" kB, 3 models looked into")
    assert lines[1].startswith("  the test data of 3 models came out right in onnxruntime 1.")
    assert ", openvino 2026." in lines[1]
    assert lines[2:] == ["  note: it is not signed", "All is well."]
    assert {path: path.stat().st_mtime_ns for path in zoo.rglob("*")} == before


KINDS = (
    *(f"{UNIT}.{kind}" for kind in ("onnx", "tar.gz", "record.json", "cdx.json", "intoto.json")),
    *("README.md", "timm/small/README.md", *verified_zoo.pictures(), MANIFEST),
)


@pytest.mark.parametrize("file", KINDS)
def test_one_bit_is_noticed(file: str, verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path)
    content = bytearray((zoo / file).read_bytes())
    content[len(content) // 2] ^= 1
    (zoo / file).write_bytes(content)
    well, lines = verified(zoo, digests_only=True)
    assert not well
    assert any(line.startswith(f"{file}: was changed: its sha256 is ") for line in lines)
    assert {line.split(":")[0] for line in lines[1:-1] if not line.startswith("  note")} == {file}
    assert lines[-1] == "1 file is not as published."


def test_a_changed_digest_is_noticed(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path)
    sums = (zoo / CHECKSUMS).read_text()
    line = next(line for line in sums.splitlines() if line.endswith("tiny-12.onnx"))
    (zoo / CHECKSUMS).write_text(sums.replace(line, line[::-1][-64:] + line[64:]))
    well, lines = verified(zoo, digests_only=True)
    assert not well
    assert any(line.startswith(f"{UNIT}.record.json: gives the sha256 ") for line in lines)
    assert any(line.startswith(f"{UNIT}.onnx: was changed") for line in lines)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:500], "is cut short: 500 of "),
        (lambda data: b"", "is cut short: 0 of "),
        (lambda data: data + b"x", "has more than the "),
    ],
)
def test_an_archive_of_another_length_is_told(
    damage: Callable[[bytes], bytes], words: str, verified: Verify, tmp_path: Path
) -> None:
    zoo = made(tmp_path)
    file = zoo / f"{UNIT}.tar.gz"
    file.write_bytes(damage(file.read_bytes()))
    well, lines = verified(zoo)
    assert not well
    assert lines[-2].startswith(f"{UNIT}.tar.gz: {words}")


def test_every_missing_and_extra_file_is_named(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path, 7, 12)
    for file in (f"{UNIT}.tar.gz", f"{UNIT}.cdx.json", f"{FOLDER}/tiny-7.record.json", "README.md"):
        (zoo / file).unlink()
    (zoo / FOLDER / "tiny-9.onnx").write_bytes(b"x")
    (zoo / "empty").write_bytes(b"")
    well, lines = verified(zoo)
    assert not well
    assert lines[lines.index("  note: it is not signed") + 1 :] == [
        "README.md: is missing",
        f"empty: is extra: {CHECKSUMS} does not list it",
        f"{UNIT}.cdx.json: is missing",
        f"{UNIT}.tar.gz: is missing",
        f"{FOLDER}/tiny-7.record.json: is missing",
        f"{FOLDER}/tiny-9.onnx: is extra: {CHECKSUMS} does not list it",
        "6 files are not as published.",
    ]


def link_in_archive(file: Path) -> None:
    with gzip.open(file) as stream:
        tar = io.BytesIO(stream.read())
    with tarfile.open(fileobj=tar, mode="a") as archive:
        link = tarfile.TarInfo("tiny-12/test_data_set_0/input_1.pb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    file.write_bytes(gzip.compress(tar.getvalue()))


def bomb(file: Path) -> None:
    with tarfile.open(file, "w:gz") as archive:
        entry = tarfile.TarInfo("tiny-12/test_data_set_0/input_0.pb")
        entry.size = 80 << 20
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (link_in_archive, "was made to harm: 'tiny-12/test_data_set_0/input_1.pb' is a symbolic link"),
        (bomb, "was made to fill the disk: it unpacks to more than 67,108,864 bytes"),
        (lambda file: file.write_bytes(file.read_bytes()[:900]), "is cut short: the gzip stream stops"),
    ],
)
def test_an_archive_made_to_harm_is_refused_though_the_lists_agree(
    harm: Callable[[Path], object], words: str, verified: Verify, tmp_path: Path
) -> None:
    zoo = made(tmp_path)
    harm(zoo / f"{UNIT}.tar.gz")
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert lines[-2].startswith(f"{UNIT}.tar.gz: {words}")
    assert lines[-1] == "1 file is not as published."


def stamped(opset: int, ir: int) -> onnx.ModelProto:
    model = verified_zoo.network(opset)
    model.ir_version = ir
    return model


def listed_inputs(opset: int, listed: bool) -> onnx.ModelProto:
    model = verified_zoo.network(opset)
    for tensor in model.graph.initializer if listed else ():
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, 1, tensor.dims))
    del model.graph.input[3 if listed else 1 :]
    return model


def unchecked() -> onnx.ModelProto:
    model = verified_zoo.network(12)
    model.graph.node[0].input.append("image")
    return model


def with_data_beside() -> onnx.ModelProto:
    model = verified_zoo.network(12)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    return model


MODELS: dict[str, tuple[Callable[[], onnx.ModelProto], int, str]] = {
    "newer IR": (lambda: stamped(12, 8), 12, "has IR version 8, and a file of opset 12 has 7: runtimes"),
    "IR of opset 7": (lambda: stamped(7, 4), 7, "has IR version 4, and a file of opset 7 has 3"),
    "weights are inputs": (
        lambda: listed_inputs(12, True),
        12,
        "are inputs, so that no runtime can fold them",
    ),
    "weights are none": (
        lambda: listed_inputs(7, False),
        7,
        "has initialisers that are no inputs, as IR version 3",
    ),
    "checker": (unchecked, 12, "does not pass the ONNX checker: Node"),
    "data beside": (with_data_beside, 12, "cannot be read: "),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_that_is_not_as_it_should_be_is_told(kind: str, verified: Verify, tmp_path: Path) -> None:
    make, opset, words = MODELS[kind]
    well, lines = verified(with_model(tmp_path, make(), opset))
    assert not well
    found = [line for line in lines if line.startswith(f"{FOLDER}/tiny-{opset}.onnx: ")]
    assert any(words in line for line in found), lines


def test_a_wrong_opset_stamp_is_told(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path)
    content = verified_zoo.network(11).SerializeToString()
    (zoo / f"{UNIT}.onnx").write_bytes(content)
    rewrite_archive(zoo / f"{UNIT}.tar.gz", lambda name, old: content if name.endswith(".onnx") else old)
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert f"{UNIT}.onnx: is of opset 11, and its record says 12" in lines


def test_what_is_no_model_is_told(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path)
    (zoo / f"{UNIT}.onnx").write_bytes(b"not a model")
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert any(line.startswith(f"{UNIT}.onnx: cannot be read: it is not an ONNX model") for line in lines)
    assert any(line.startswith(f"{UNIT}.tar.gz: holds a model of ") for line in lines)


def test_another_model_in_the_archive_is_told(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path)
    content = verified_zoo.network(12, verified_zoo.KERNEL[::-1].copy()).SerializeToString()
    rewrite_archive(zoo / f"{UNIT}.tar.gz", lambda name, old: content if name.endswith(".onnx") else old)
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert any(line.startswith(f"{UNIT}.tar.gz: holds another model than {UNIT}.onnx: its") for line in lines)
    assert any(
        line.startswith(f"{UNIT}.tar.gz: its test data fails: onnxruntime disagrees") for line in lines
    )


def renamed(name: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        tensor = onnx.TensorProto.FromString(content)
        tensor.name = name
        return bytes(tensor.SerializeToString())

    return change


def array(values: np.ndarray) -> Callable[[bytes], bytes]:
    return lambda _old: bytes(numpy_helper.from_array(values, "image").SerializeToString())


def elsewhere(content: bytes) -> bytes:
    tensor = onnx.TensorProto.FromString(content)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return bytes(tensor.SerializeToString())


DATA: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "name": ("input_0", renamed("data"), "is called 'data', and the graph's input is 'image'"),
    "output's name": ("output_0", renamed("image"), "is called 'image', and the graph's output is 'logits'"),
    "no name": ("input_0", renamed(""), "has no name, and the graph's input is 'image'"),
    "type": (
        "input_0",
        array(np.zeros((1, 3, 8, 8))),
        "is float64 of shape [1, 3, 8, 8], and the graph's",
    ),
    "shape": ("input_0", array(np.zeros((1, 3, 9, 8), np.float32)), "is float32 of shape [1, 3, 9, 8], and"),
    "other input": (
        "input_0",
        array(np.zeros((1, 3, 8, 8), np.float32)),
        "does not hold the input that its record describes",
    ),
    "no tensor": ("output_0", lambda _old: b"\xff\xff", "is no tensor: "),
    "elsewhere": ("output_0", elsewhere, "keeps its values in another file, and must hold them itself"),
}


@pytest.mark.parametrize("kind", DATA)
def test_wrong_test_data_is_told(kind: str, verified: Verify, tmp_path: Path) -> None:
    port, change, words = DATA[kind]
    zoo = made(tmp_path)
    wanted = f"test_data_set_0/{port}.pb"
    rewrite_archive(zoo / f"{UNIT}.tar.gz", lambda name, old: change(old) if name.endswith(wanted) else old)
    verified_zoo.list_again(zoo, 12)
    well, lines = verified(zoo)
    assert not well
    assert any(line.startswith(f"{UNIT}.tar.gz: {wanted} {words}") for line in lines), lines


@pytest.mark.parametrize("opset", [3, 12])
def test_wrong_numbers_are_told(opset: int, verified: Verify, tmp_path: Path) -> None:
    first, second = verified_zoo.data_sets()
    wrong = DataSet(second.inputs, [np.multiply(second.outputs[0], 1.01, dtype=np.float32)])
    well, lines = verified(with_model(tmp_path, verified_zoo.network(opset), opset, [first, wrong]))
    assert not well
    judge = "onnxruntime" if opset == 12 else "openvino"
    words = (
        f"its test data fails: {judge} disagrees with the reference on test_data_set_1: relative error 0.0099"
    )
    assert lines[-2].startswith(f"{FOLDER}/tiny-{opset}.tar.gz: {words}")


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

    class Breaks(http.server.BaseHTTPRequestHandler):
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

        def log_message(self, *_args: object) -> None:
            """Requests are not worth a line."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Breaks) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


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
    zoo = made(tmp_path)
    well, lines = verified("memory://verified", f"file://{zoo}")
    assert well, lines
    assert lines.count("All is well.") == 2
    with pytest.raises(UsageError, match="memory://nothing is empty"):
        verified("memory://nothing")
    with pytest.raises(UsageError, match="Protocol not known: bogus"):
        verified("bogus://x/y")


def test_single_files_are_verified_by_the_record_beside_them(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path)
    well, lines = verified(zoo / f"{UNIT}.tar.gz")
    assert well
    assert "came out right in onnxruntime" in lines[1]
    well, lines = verified(zoo / f"{UNIT}.onnx")
    assert well
    assert lines[1:] == [
        "  note: tiny-12.onnx: its test data is in tiny-12.tar.gz, and was not run",
        "All is well.",
    ]
    (zoo / f"{UNIT}.onnx").write_bytes((zoo / f"{UNIT}.onnx").read_bytes()[:-1])
    well, lines = verified(zoo / f"{UNIT}.onnx")
    assert not well
    assert lines[-2].startswith("tiny-12.onnx: is cut short: ")


def test_a_single_served_file_is_verified(verified: Verify, tmp_path: Path, server: tuple[Path, str]) -> None:
    folder, address = server
    verified_zoo.make(folder, tmp_path, (12,))
    well, lines = verified(f"{address}/{UNIT}.tar.gz")
    assert well, lines
    with pytest.raises(UsageError, match=r"x-7\.tar\.gz: there is no such file"):
        verified(f"{address}/{FOLDER}/x-7.tar.gz")


def test_a_file_of_another_zoo_is_verified(verified: Verify, tmp_path: Path) -> None:
    file = made(tmp_path) / f"{UNIT}.tar.gz"
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
    zoo = made(tmp_path)
    monkeypatch.setattr("pipeline.verify_unit.LIMITS", Limits(seconds=120, memory=20 << 20))
    well, lines = verified(zoo)
    assert not well
    words = "could not be checked: the process that checks it grew past its memory limit of 0.0195312 GiB"
    assert lines[-3:-1] == [f"{UNIT}.onnx: {words}", f"{UNIT}.tar.gz: {words}"]


def test_wrong_places_are_told(verified: Verify, tmp_path: Path) -> None:
    zoo = made(tmp_path)
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
    words = [sys.executable, "-m", "pipeline", "verify", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_exit_codes(tmp_path: Path) -> None:
    zoo = made(tmp_path)
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
    zoo = made(tmp_path)
    (zoo / "a\x1b[2Jb\nAll is well.").write_bytes(b"x")
    well, lines = verified(zoo, digests_only=True)
    assert not well
    assert lines[-2] == f"a\\x1b[2Jb\\nAll is well.: is extra: {CHECKSUMS} does not list it"


def test_no_room_is_told(verified: Verify, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
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
    zoo = made(tmp_path)
    bomb(zoo / f"{UNIT}.tar.gz")
    verified_zoo.list_again(zoo, 12)
    assert not verified(zoo)[0]
    assert list(scratch.iterdir()) == []
