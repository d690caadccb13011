"""A real S3 server on loopback, with buckets of its own: all servers of one process share what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from moto.server import ThreadedMotoServer

SECRET = "a-secret-that-nobody-may-see"  # noqa: S105 - the server takes any


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """The variables with which clients find the server; it holds nothing before and after."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    try:
        httpx2.post(f"{address}/moto-api/reset").raise_for_status()
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        httpx2.post(f"{address}/moto-api/reset").raise_for_status()
    finally:
        server.stop()
