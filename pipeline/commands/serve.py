"""Shows a published zoo in the browser, from a web server on this machine."""

from __future__ import annotations

import errno
import io
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler
from typing import Any

from pipeline.errors import PipelineError, UsageError
from pipeline.system.interrupts import Interrupted, interruptible

_PAGE = "index.html"


def serve(folder: Path, host: str, port: int) -> None:
    """Serve the zoo in ``folder`` until interrupted; port 0 takes one that is free.

    Raises UsageError where there is no zoo, and PipelineError where the port cannot be had.
    """
    if not (folder / _PAGE).is_file():
        what = "there is no such folder" if not folder.is_dir() else f"there is no {_PAGE} in it"
        raise UsageError(
            f"{folder}: {what}. Name the folder of a published zoo: the one that `python -m pipeline run` "
            "published into"
        )
    host = host.removeprefix("[").removesuffix("]")
    shown = f"[{host}]" if ":" in host else host
    try:
        server = _listening(host, port, partial(_Handler, directory=str(folder.resolve())))
    except OSError as error:
        hint = "give another with --port" if error.errno == errno.EADDRINUSE else "give another --host"
        raise PipelineError(f"cannot serve on {shown}:{port}: {error.strerror or error}; {hint}") from error
    with server, suppress(Interrupted), interruptible(threading.Event()):
        print(f"serving {folder} at http://{shown}:{server.server_port}/ (Ctrl+C ends it)", flush=True)
        server.serve_forever()
    print("stopped", file=sys.stderr)


def _listening(host: str, port: int, handler: Callable[..., BaseRequestHandler]) -> ThreadingHTTPServer:
    """A server at the first address that ``host`` has, be it IPv4 or IPv6. Raises OSError."""
    (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    class Server(ThreadingHTTPServer):
        address_family = family

    return Server((str(address[0]), port), handler)


class _Handler(SimpleHTTPRequestHandler):
    """The files of a folder as they are, none of those that are hidden, and no lists of folders."""

    extensions_map = {  # noqa: RUF012 - the name and the kind are the standard library's
        **SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".md": "text/markdown; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
        ".json": "application/json",
        ".onnx": "application/octet-stream",
        ".gz": "application/gzip",
    }

    def send_head(self) -> Any:
        path = Path(self.translate_path(self.path)).relative_to(self.directory)
        if any(part.startswith(".") for part in path.parts):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> io.BytesIO | None:
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def log_message(self, *_: Any) -> None:
        """Say nothing of each file: a page has many."""
