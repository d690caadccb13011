"""A small model, and places to publish it in that are no folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.publishing.buckets import s3_bucket
from tests.publishing.zoos import network


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return network(tmp_path / "work.onnx")


@pytest.fixture
def memory() -> Iterator[str]:
    yield "memory://zoo/of/models"
    fsspec.filesystem("memory").store.clear()
    fsspec.filesystem("memory").pseudo_dirs[:] = [""]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a bucket on a real server; credentials come from where S3's tools look for them."""
    with s3_bucket(monkeypatch) as url:
        yield url


@pytest.fixture(params=["memory", "bucket"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))
