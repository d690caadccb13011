"""The frameworks' own weights, by their own loaders: from their caches, and from loopback servers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.interface import WORKER_MODULES
from converters.registry import SOURCES
from evaluation.inputs import read_npz
from pipeline.errors import WorkerError
from pipeline.system.files import cache_folder
from tests.converters.conftest import Export, Exported, RunIn, environment_of
from tests.loopback import answered_by

CutOff = Callable[[str], None]
Files = dict[str, bytes]

PRETRAINED = {"kind": "pretrained"}
EVIL = """
class Evil:
    def __reduce__(self): return (os.system, ('touch ran',))
"""
TORCH = (
    """\
import os, sys; sys.path[:0] = [{worker!r}, {folder!r}]
import export, torch, safetensors.torch
from networks import Network
torch.manual_seed(3)
state = export.build(Network({model!r})).state_dict()
torch.save({{'meta': {{'epoch': 3, 'CLASSES': ['a', 'b']}}, 'state_dict': state}}, 'weights.pth')
safetensors.torch.save_file(state, 'weights.safetensors')
"""
    + EVIL
    + "torch.save({{**state, 'hook': Evil()}}, 'evil.pth')\n"
)
PADDLE = (
    """\
import os, sys; sys.path[:0] = [{worker!r}, {folder!r}]
import paddle, paddle_models, pickle
from networks import Network
paddle.seed(3)
state = paddle_models.build(Network({model!r})).state_dict()
paddle.save(state, 'weights.pdparams')
"""
    + EVIL
    + "arrays = {{name: value.numpy() for name, value in state.items()}}\n"
    + "pickle.dump({{**arrays, 'hook': Evil()}}, open('evil.pdparams', 'wb'), 2)\n"
)
PADDLE_PACKED = """\
import sys; sys.path[:0] = [{worker!r}, {folder!r}]
import paddle_models, tarfile
from paddle.vision.models import squeezenet as of
of.model_urls[{model!r}] = ({url!r}, None)
address, file = paddle_models.find_pretrained({model!r})
assert tarfile.is_tarfile(file), file
"""
MXNET = """\
import sys; sys.path[:0] = [{worker!r}, {folder!r}]
import export, mxnet as mx
from networks import Network
mx.random.seed(3)
network = export.build(Network({model!r}))
network.initialize(mx.init.Xavier()); network(mx.nd.ones((1, 3, 224, 224)))
network.save_parameters('weights.params')
"""
IN_TABLE = """\
import json, sys; sys.path[:0] = [{worker!r}, {folder!r}]
import export
{change}
answer = export.export(json.load(open('request.json')))
json.dump(answer, open('answer.json', 'w'))
"""
"""An export, after the checkpoint of a test was entered in the framework's table of digests."""


@pytest.fixture
def server() -> Iterator[tuple[str, Files]]:
    """Address of a loopback server, and the files that it has by path; it knows the hub's headers."""
    files: Files = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("X-Repo-Commit", "0" * 40)
            if body is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("ETag", f'"{hashlib.sha256(body or b"").hexdigest()}"')
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    with answered_by(Handler) as address:
        yield address, files


@pytest.fixture
def cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CutOff]:
    """Build a source's environment; from then on only loopback is reached, and all caches are empty."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"

        def cut(source: str) -> None:
            environment = environment_of(source)
            for name, value in environment.description.variables.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("OMP_NUM_THREADS", "2")
            monkeypatch.setenv(
                "XDG_CACHE_HOME", str(cache_folder().parent)
            )  # environments stay where they are
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy)
                monkeypatch.setenv(name.lower(), proxy)
            for name in ("NO_PROXY", "no_proxy"):
                monkeypatch.setenv(name, "127.0.0.1")
            for name in ("HOME", "TORCH_HOME", "HF_HOME", "MXNET_HOME"):
                monkeypatch.setenv(name, str(tmp_path / "caches" / name))
            for name in ("HF_ENDPOINT", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "MXNET_GLUON_REPO"):
                monkeypatch.delenv(name, raising=False)

        yield cut


def _make(run_in: RunIn, source: str, model: str, code: str, **more: str) -> None:
    folder = str(SOURCES[source].folder)
    run_in(source, code.format(worker=str(WORKER_MODULES), folder=folder, model=model, **more))


def _cached(path: Path, content: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(content, path)


def _assert_loaded(loaded: Exported, from_file: Exported, origin: str, file: Path) -> None:
    """The export holds the weights of ``file`` and says where they came from."""
    _assert_same(loaded.outputs, from_file.outputs)
    weights = loaded.answer["weights"]
    assert weights["origin"].endswith(origin)
    assert weights["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def _assert_same(outputs: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, logits in expected.items():
        assert np.ptp(logits) > 0
        np.testing.assert_array_equal(outputs[name], logits)


def _refusal(export: Export, source: str, model: str, folder: Path) -> str:
    with pytest.raises(WorkerError) as caught:
        export(source, model, PRETRAINED)
    message = str(caught.value)
    assert "ends with" not in message  # a foreseen failure shows no log
    assert "Traceback" not in message
    assert not list(folder.rglob("ran"))
    return message


@pytest.mark.parametrize(
    ("source", "model", "url"),
    [
        pytest.param(
            "torchvision",
            "squeezenet1_1",
            "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
            marks=pytest.mark.torchvision,
        ),
        pytest.param(
            "mmcls",
            "mobilenet-v2_8xb32_in1k",
            "https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/"
            "mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth",
            marks=pytest.mark.mmcls,
        ),
    ],
)
def test_weights_in_the_cache_of_torch_hub(
    export: Export, run_in: RunIn, cut_off: CutOff, tmp_path: Path, source: str, model: str, url: str
) -> None:
    cut_off(source)
    message = _refusal(export, source, model, tmp_path)
    assert url in message
    assert "name a weights file" in message
    _make(run_in, source, model, TORCH)
    cached = Path(os.environ["TORCH_HOME"], "hub", "checkpoints", url.rsplit("/", 1)[1])
    _cached(cached, tmp_path / "weights.pth")
    from_file = export(source, model, {"kind": "file", "path": str(tmp_path / "weights.pth")})
    _assert_loaded(export(source, model, PRETRAINED), from_file, url, cached)
    _cached(cached, tmp_path / "evil.pth")
    assert f"{cached.name} holds posix.system" in _refusal(export, source, model, tmp_path)


@pytest.mark.timm
def test_timm_weights_from_the_hub(
    export: Export,
    run_in: RunIn,
    cut_off: CutOff,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: tuple[str, Files],
) -> None:
    model, (address, files) = "mobilenetv3_small_050", server
    cut_off("timm")
    folder = f"/timm/{model}.lamb_in1k/resolve/main"
    message = _refusal(export, "timm", model, tmp_path)
    assert f"https://huggingface.co{folder}/model.safetensors" in message
    assert "name a weights file" in message

    _make(run_in, "timm", model, TORCH)
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert "has none of" in _refusal(export, "timm", model, tmp_path)
    files[f"{folder}/pytorch_model.bin"] = (tmp_path / "evil.pth").read_bytes()
    assert "pytorch_model.bin holds posix.system" in _refusal(export, "timm", model, tmp_path)

    # A model that is not on the hub has its file in the cache of torch.hub; here, a file of another model.
    cached = Path(os.environ["TORCH_HOME"], "hub", "checkpoints", "seresnet18-4bb0ce65.pth")
    _cached(cached, tmp_path / "weights.pth")
    message = _refusal(export, "timm", "legacy_seresnet18", tmp_path)
    assert "timm cannot load https://github.com/rwightman/pytorch-image-models/releases/download/" in message

    weights = tmp_path / "weights.safetensors"
    files[f"{folder}/model.safetensors"] = weights.read_bytes()
    from_file = export("timm", model, {"kind": "file", "path": str(weights)})
    origin = f"{address}{folder}/model.safetensors"
    _assert_loaded(export("timm", model, PRETRAINED), from_file, origin, weights)


PADDLE_URL = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/SqueezeNet1_1_pretrained.pdparams"


@pytest.mark.paddle
def test_paddleclas_weights_in_its_cache(
    export: Export, run_in: RunIn, cut_off: CutOff, tmp_path: Path
) -> None:
    model = "SqueezeNet1_1"
    cut_off("paddle")
    message = _refusal(export, "paddle", model, tmp_path)
    assert PADDLE_URL in message
    assert "name a weights file" in message
    _make(run_in, "paddle", model, PADDLE)
    cached = Path.home() / ".paddleclas" / "weights" / "SqueezeNet1_1_pretrained.pdparams"
    weights = tmp_path / "weights.pdparams"
    _cached(cached, weights)
    from_file = export("paddle", model, {"kind": "file", "path": str(weights)})
    _assert_loaded(export("paddle", model, PRETRAINED), from_file, PADDLE_URL, weights)
    _cached(cached, tmp_path / "evil.pdparams")
    assert f"{cached.name} holds posix.system" in _refusal(export, "paddle", model, tmp_path)


def _export_in_table(
    run_in: RunIn, source: str, from_file: Exported, model: str, change: str
) -> tuple[dict[str, Any], Any]:
    """Record and outputs of an export of pretrained weights, after ``change`` of the framework's table."""
    folder = from_file.model.parent
    request = json.loads((folder / "request.json").read_text()) | {"weights": PRETRAINED}
    (folder.parent / "request.json").write_text(json.dumps(request))
    _make(run_in, source, model, IN_TABLE, change=change)
    answer = json.loads((folder.parent / "answer.json").read_text())
    return answer["weights"], read_npz(folder / "outputs.npz")


@pytest.mark.paddle
def test_paddle_vision_weights_from_their_server(
    export: Export, run_in: RunIn, cut_off: CutOff, tmp_path: Path, server: tuple[str, Files]
) -> None:
    model, (address, files) = "squeezenet1_1", server
    cut_off("paddle")
    _make(run_in, "paddle", model, PADDLE)
    weights = tmp_path / "weights.pdparams"
    # A file of another digest than that in paddle's table is not used, and it cannot be fetched again.
    _cached(Path.home() / ".cache/paddle/hapi/weights/SqueezeNet1_1_pretrained.pdparams", weights)
    message = _refusal(export, "paddle", model, tmp_path)
    assert PADDLE_URL in message
    assert "name a weights file" in message

    from_file = export("paddle", model, {"kind": "file", "path": str(weights)})
    files["/ours.pdparams"] = weights.read_bytes()
    entry = (f"{address}/ours.pdparams", hashlib.md5(weights.read_bytes()).hexdigest())  # noqa: S324
    change = f"from paddle.vision.models import squeezenet as of\nof.model_urls[{model!r}] = {entry!r}"
    record, outputs = _export_in_table(run_in, "paddle", from_file, model, change)
    _assert_same(outputs, from_file.outputs)
    assert record["origin"].endswith(entry[0])
    assert record["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()

    # What is an archive stays one: paddle itself would unpack it, however large it becomes.
    files["/packed.pdparams"] = _tar("unpacked", weights)
    _make(run_in, "paddle", model, PADDLE_PACKED, url=f"{address}/packed.pdparams")
    assert not list(Path.home().rglob("unpacked"))


@pytest.mark.mxnet
def test_mxnet_weights_from_the_model_store(
    export: Export,
    run_in: RunIn,
    cut_off: CutOff,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: tuple[str, Files],
) -> None:
    model, (address, files) = "mobilenet0.25", server
    cut_off("mxnet")
    message = _refusal(export, "mxnet", model, tmp_path)
    assert "amazonaws.com/gluon/models/mobilenet0.25-9f83e440.zip" in message
    assert "name a weights file" in message

    _make(run_in, "mxnet", model, MXNET)
    weights = tmp_path / "weights.params"
    monkeypatch.setenv("MXNET_GLUON_REPO", address)
    path = "/gluon/models/mobilenet0.25-9f83e440.zip"
    for content, expected in [
        (None, "404"),
        (b"not a zip archive", "BadZipFile"),
        (_zip("other.params", weights), "no item named"),
        (_zip("mobilenet0.25-9f83e440.params", weights), "does not have the sha1 9f83e440"),
        (_zip_of_zeros("mobilenet0.25-9f83e440.params"), "would unpack to 67108865 bytes"),
    ]:
        if content is not None:
            files[path] = content
        message = _refusal(export, "mxnet", model, tmp_path)
        assert expected in message
        assert address + path in message
        assert not list(Path(os.environ["MXNET_HOME"]).rglob("*.params*"))

    from_file = export("mxnet", model, {"kind": "file", "path": str(weights)})
    sha1 = hashlib.sha1(weights.read_bytes()).hexdigest()  # noqa: S324
    path = f"/gluon/models/{model}-{sha1[:8]}.zip"
    files[path] = _zip(f"{model}-{sha1[:8]}.params", weights)
    change = f"export.model_store._model_sha1[{model!r}] = {sha1!r}"
    record, outputs = _export_in_table(run_in, "mxnet", from_file, model, change)
    _assert_same(outputs, from_file.outputs)
    assert record["origin"].endswith(address + path)
    assert record["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def _tar(name: str, content: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(content, name)
    return packed.getvalue()


def _zip(name: str, content: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(content, name)
    return packed.getvalue()


def _zip_of_zeros(name: str) -> bytes:
    """An archive of 64 KiB whose member is one byte longer than it may be."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        member.write(bytes((64 << 20) + 1))
    return packed.getvalue()
