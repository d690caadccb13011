"""A store that fails again and again while a run publishes into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.job import Job, undisturbed
from tests.faults.store import unreliable
from tests.publishing.buckets import s3_bucket
from tests.publishing.remote_places import content_of_place

pytestmark = pytest.mark.slow


def test_a_store_that_fails_every_third_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, job = undisturbed(Job(tmp_path / "undisturbed")), Job(tmp_path / "job")
    with s3_bucket(monkeypatch) as bucket, unreliable(os.environ["AWS_ENDPOINT_URL"], every=3) as between:
        address = os.environ["AWS_ENDPOINT_URL"]
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.address)
        ended = job.run(options=("--publish", bucket))
        again = job.run(options=("--publish", bucket))
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        published = content_of_place(bucket)
    assert ended.code == 0, ended.said
    assert again.code == 0, again.said
    assert "all 3 units are published" in again.said
    assert len(between.refused) > 10
    assert published == wanted.zoo
