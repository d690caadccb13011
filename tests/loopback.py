"""Real HTTP servers on loopback, for what a user would have from the network."""

from __future__ import annotations

import functools
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@contextmanager
def answered_by(
    handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None, **settings: Any
) -> Iterator[str]:
    """The address, such as ``http://127.0.0.1:40231``, of a server whose requests ``handler`` answers.

    It is made with ``settings``, and says nothing of requests on standard error. With ``tls``, the server
    speaks HTTPS.
    """
    quiet = type("Quiet", (handler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, **settings)) as server:
        if tls:
            server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the files of ``folder`` can be had, as from any web server."""
    with answered_by(SimpleHTTPRequestHandler, directory=str(folder)) as address:
        yield address
