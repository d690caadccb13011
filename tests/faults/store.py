"""A server between a client and its store that answers every so many requests with "slow down"."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlsplit

UNAVAILABLE = 503
"""What S3 answers where it is asked too often."""


@dataclass
class Unreliable:
    """The server, and what it has done."""

    address: str
    refused: list[str] = field(default_factory=list)
    """The requests that it did not pass on."""


@contextmanager
def unreliable(address: str, every: int, first: int) -> Iterator[Unreliable]:
    """A server that passes on to ``address`` all requests but each ``every``-th, from number ``first`` on."""
    behind, numbers = urlsplit(address).netloc, count(-first)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        host, port = server.server_address[:2]
        found = Unreliable(f"http://{host!s}:{port}")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(1 << 16)
                if not self.raw_requestline:
                    self.close_connection = True
                elif self.parse_request():
                    self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if next(numbers) % every == 0:
                    found.refused.append(f"{self.command} {self.path}")
                    self._send(UNAVAILABLE, [], b"")
                    return
                connection = http.client.HTTPConnection(behind)
                connection.request(self.command, self.path, body, dict(self.headers.items()))
                answer = connection.getresponse()
                self._send(answer.status, answer.getheaders(), answer.read())
                connection.close()

            def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                lengths = [value for name, value in headers if name.lower() == "content-length"]
                for name, value in headers:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                known = lengths[0] if self.command == "HEAD" and lengths else str(len(body))
                self.send_header("Content-Length", known)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Nothing goes to the terminal."""

        server.RequestHandlerClass = Handler
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
