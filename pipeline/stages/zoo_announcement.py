"""What a zoo shows once something was published: its pages, its lists and its signature."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError, UsageError
from pipeline.results import Result
from pipeline.system.files import digest_of, digest_of_code

if TYPE_CHECKING:
    from publishing.announcement import Signer
    from publishing.benchmarks import Benchmark
    from publishing.record import Record
    from publishing.zoo import Zoo

_SHARE = 10
"""How many times as long as an announcement took a run waits for the next."""
_ROOMS = Path(__file__).resolve().parents[2]
LABELS = "imagenet_classes.txt"
"""The names of ImageNet's classes, one a line, for whoever runs the models."""


def announce_zoo(zoo: Zoo, signer: Signer | None, say: Callable[[str], None]) -> None:
    """Write pages, lists and signature of what is published; ``say`` gets what there is to tell.

    Where nothing has changed since that was done, there is nothing to be written. Raises PipelineError.
    """
    from publishing.announcement import announce
    from publishing.errors import PublishError

    try:
        if signer is None and zoo.known.was_announced(_state(zoo)):
            return
        told = announce(zoo, zoo_pages, signer)
        if not told:  # what is not as it should be is told each time
            zoo.known.note_announced(_state(zoo))
    except PublishError as error:
        raise PipelineError(str(error)) from error
    for line in told:
        say(line)


def _state(zoo: Zoo) -> str:
    """The files of a zoo as its store lists them, and what would write them now."""
    files = {path: [stamp.bytes, stamp.mark] for path, stamp in zoo.store.stamps().items()}
    return digest_of([files, _writers()])


@cache
def _writers() -> str:
    """The digest of all that pages and lists are made with: code, templates, and what they show."""
    pages = _ROOMS / "publishing/pages"
    shown = [file for folder in ("assets", "templates") for file in sorted((pages / folder).iterdir())]
    code = digest_of_code([_ROOMS / "publishing", _ROOMS / "evaluation", *shown])
    return digest_of([code, metadata.version("jinja2")])


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
