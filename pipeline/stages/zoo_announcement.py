"""What a zoo shows once something was published: its pages, its lists and its signature."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError, UsageError
from pipeline.results import Result

if TYPE_CHECKING:
    from publishing.announcement import Signer
    from publishing.benchmarks import Benchmark
    from publishing.record import Record
    from publishing.zoo import Zoo

_SHARE = 10
"""How many times as long as an announcement took a run waits for the next."""
LABELS = "imagenet_classes.txt"
"""The names of ImageNet's classes, one a line, for whoever runs the models."""


def announce_zoo(zoo: Zoo, signer: Signer | None, say: Callable[[str], None]) -> None:
    """Write pages, lists and signature of what is published; ``say`` gets what there is to tell."""
    from publishing.announcement import announce
    from publishing.errors import PublishError

    try:
        for line in announce(zoo, zoo_pages, signer):
            say(line)
    except PublishError as error:
        raise PipelineError(str(error)) from error


class Announcer:
    """Announces a zoo while a run goes on, and at its end.

    What it takes grows with the zoo, so a run spends a tenth of its time on it at the most.
    """

    def __init__(self, zoo: Zoo, signer: Signer | None, say: Callable[[str], None]) -> None:
        self._zoo, self._signer, self._say = zoo, signer, say
        self._next = 0.0

    def announce(self) -> None:
        """Announce what is published. Raises PipelineError."""
        begun = time.monotonic()
        announce_zoo(self._zoo, self._signer, self._say)
        ended = time.monotonic()
        self._next = ended + _SHARE * (ended - begun)

    def after_model(self, results: list[Result]) -> list[Result]:
        """Announce what became of a model, unless it is too soon; its results, failed where it cannot."""
        if not any(result.status == "published" for result in results) or time.monotonic() < self._next:
            return results
        try:
            self.announce()
        except PipelineError as error:
            reason = f"published, and not announced: {error}"
            return [
                replace(result, status="failed", reason=reason) if result.status == "published" else result
                for result in results
            ]
        return results


def zoo_pages(records: Sequence[Record], benchmarks: Sequence[Benchmark]) -> Mapping[str, bytes]:
    """Cards, catalogue and class names of a zoo, by their paths in it."""
    from evaluation.labels import IMAGENET_CLASSES, imagenet_labels
    from publishing.pages.cards import cards
    from publishing.pages.catalogue import catalogue

    labels = imagenet_labels(IMAGENET_CLASSES) or ()
    return {
        **{path: text.encode() for path, text in cards(records, benchmarks).items()},
        **catalogue(records, benchmarks, labels),
        LABELS: "".join(f"{label}\n" for label in labels).encode(),
    }


def signer_with(key: Path) -> Signer:
    """What signs with a private key. Raises UsageError where it is none that can be used."""
    from publishing.errors import PublishError
    from publishing.trust.signature import sign_digests

    def sign(digests: Mapping[str, str], previous: bytes | None) -> bytes:
        return sign_digests(digests, key, previous)

    try:
        sign({"SHA256SUMS": 64 * "0"}, None)  # a wrong key is told before anything is done
    except PublishError as error:
        raise UsageError(str(error)) from error
    return sign
