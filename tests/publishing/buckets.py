"""A real S3 server on loopback, with buckets of its own: all servers of one process share what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import httpx2
import pytest
from moto.server import ThreadedMotoServer

SECRET = "a-secret-that-nobody-may-see"  # noqa: S105 - the server takes any


@contextmanager
def s3_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty zoo in a bucket; credentials come from where S3's tools look for them."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").clear_instance_cache()  # a client of an earlier server
    try:
        httpx2.post(f"{address}/moto-api/reset").raise_for_status()
        fsspec.filesystem("s3").mkdir("models")
        yield "s3://models/zoo"
        httpx2.post(f"{address}/moto-api/reset").raise_for_status()
    finally:
        fsspec.filesystem("s3").clear_instance_cache()
        server.stop()
