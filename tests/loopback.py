"""Real HTTP servers on loopback, for what a user would have from the network."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@contextmanager
def answered_by(handler: type[BaseHTTPRequestHandler], **settings: Any) -> Iterator[str]:
    """The address, such as ``http://127.0.0.1:40231``, of a server whose requests ``handler`` answers.

    It is made with ``settings``, and says nothing of requests on standard error.
    """
    quiet = type("Quiet", (handler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, **settings)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the files of ``folder`` can be had, as from any web server."""
    with answered_by(SimpleHTTPRequestHandler, directory=str(folder)) as address:
        yield address
