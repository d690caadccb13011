"""How publishing grows with the zoo: the time of one unit among 1,000, beside that of one among 200.

``python -m benchmarks.publishing_scale`` needs the ``test`` extra. Tiny units go into a folder, and to an S3
server on this machine (moto, whose answers are slower than a real one's bytes). It prints the milliseconds
of a unit and of its share of the one announcement at the end, and the ratio of their sums, which may be 1.3.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from publishing.announcement import announce
from publishing.record import Record
from publishing.units import publish
from tests.publishing.buckets import s3_bucket
from tests.publishing.zoos import description, material, network, zoo_in

COUNTS = (200, 1000)
FAMILIES = 20


def seconds(place: Path | str, model: Path, units: int) -> tuple[float, float]:
    """What a unit takes to publish, and its share of the announcement."""
    zoo, source = zoo_in(place), material(model)
    begun = time.perf_counter()
    for number in range(units):
        publish(zoo, source, description(f"model{number}", family=f"family{number % FAMILIES}"))
    published = time.perf_counter()
    announce(zoo, pages)
    return (published - begun) / units, (time.perf_counter() - published) / units


def pages(records: Sequence[Record]) -> dict[str, bytes]:
    """No pages: what they take is not the question here."""
    return {}


def main() -> None:
    """Publish into fresh places, print."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        pytest.MonkeyPatch.context() as patch,
        s3_bucket(patch) as bucket,
    ):
        model = network(Path(scratch) / "model.onnx")
        for name, place in (("folder", f"{scratch}/zoo"), ("S3", bucket)):
            sums = []
            for count in COUNTS:
                unit, announcement = seconds(f"{place}-{count}", model, count)
                sums.append(unit + announcement)
                print(
                    f"{name:<7} {count:>5} units: {unit * 1000:6.1f} ms a unit, "
                    f"{announcement * 1000:5.1f} ms of the announcement"
                )
            print(f"{name:<7} ratio {sums[1] / sums[0]:.2f}")


if __name__ == "__main__":
    main()
