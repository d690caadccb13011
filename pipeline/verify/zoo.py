"""Verifies all files of a zoo, or one file of one."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.terminal.progress import Progress
from pipeline.verify.files import MISSING, Fetched, fetch
from pipeline.verify.report import Outcome
from pipeline.verify.unit import UnitFiles, examine
from publishing.errors import PublishError
from publishing.inspection.lists import Announced, Finding, Listing, read_listing, read_text
from publishing.inspection.readers import AbsentError, Reader, blocks_of, reader_of
from publishing.inspection.record_inspection import inspect_record
from publishing.manifest import CHECKSUMS
from publishing.record import RECORD_SUFFIX, Record
from publishing.stores import is_url
from publishing.trust.signature import SIGNATURE

ARTIFACTS = (".onnx", ".tar.gz")


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    public_key: Path | None = None
    digests_only: bool = False
    relative: float | None = None
    """The bound of the test data's error; None for that of each record."""
    stop: threading.Event = field(default_factory=threading.Event)


def verify_zoo(place: str, reader: Reader, options: Options, progress: Progress) -> Outcome:
    """Verify every file that the lists of a zoo announce.

    Raises:
        PublishError: it is no zoo, or cannot be read.
        PipelineError: there is no room to unpack.
    """
    listing = read_listing(reader)
    outcome = Outcome(place, findings=list(listing.findings), digests_only=options.digests_only)
    if not listing.lists_files:
        outcome.notes.append("a web server does not list its files: extra ones were not looked for")
    others = [path for path in listing.announced if not path.endswith(ARTIFACTS)]
    with _shown(progress, "lists, records and pages", "digests"):
        for path in sorted(others):
            _check(reader, path, listing, outcome, options)
    for stem in sorted({_stem(path) for path in listing.announced if path.endswith(ARTIFACTS)}):
        with _shown(progress, stem, "checked"):
            _verify_unit(reader, stem, listing, outcome, options)
    _check_signature(reader, listing, outcome, options)
    return outcome


def verify_file(place: str, options: Options, progress: Progress) -> Outcome:
    """Verify one model with the archive beside it, or one archive; by the record beside it if there is one.

    Raises:
        PublishError: the file is not there.
        PipelineError: there is no room to unpack.
    """
    above, name = _split(place)
    reader, outcome = reader_of(above), Outcome(place, digests_only=options.digests_only)
    stem = _stem(name)
    record = _record_beside(reader, stem, outcome)
    archive = f"{stem}.tar.gz"
    with _shown(progress, name, "checked"), _scratch() as folder:
        files = {}
        for path in [name] if options.digests_only else dict.fromkeys((name, archive)):
            files[path] = fetch(reader, path, _by_record(record, path), options.stop, folder / path)
            _count_or_miss(path, name, files[path], outcome)
        if files[name].wrong or options.digests_only:
            return outcome
        model, data = files.get(f"{stem}.onnx"), files[archive]
        unit = UnitFiles(
            model_name=f"{stem}.onnx",
            model=model.local if model else None,
            model_sha256=record.files["onnx"].sha256 if record else model.sha256 if model else None,
            archive_name=archive,
            archive=data.local,
            record=record,
        )
        outcome.take(examine(unit, folder, options.stop, options.relative))
    return outcome


def _count_or_miss(path: str, name: str, fetched: Fetched, outcome: Outcome) -> None:
    """Take in a file that was read: the one that was asked for, or the archive beside it."""
    if fetched.wrong != MISSING:
        outcome.count(path, fetched)
    elif path == name:
        raise AbsentError("there is no such file")
    else:
        without = f"has no test data: there is no {path} beside it, and nothing was run"
        outcome.unchecked.append(Finding(name, without))


def _split(place: str) -> tuple[str, str]:
    """The folder of a file, and its name."""
    if is_url(place):
        above, _, name = place.rpartition("/")
        return above, name
    return str(Path(place).parent), Path(place).name


def _stem(path: str) -> str:
    return path.removesuffix(".onnx").removesuffix(".tar.gz")


def _by_record(record: Record | None, name: str) -> Announced | None:
    if record is None:
        return None
    file = record.files[name.removeprefix(f"{record.stem}.")]
    return Announced(file.sha256, file.bytes, f"{record.stem}{RECORD_SUFFIX}")


def _record_beside(reader: Reader, stem: str, outcome: Outcome) -> Record | None:
    listing, path = Listing(), f"{stem}{RECORD_SUFFIX}"
    text = read_text(reader, path, listing)
    outcome.findings += listing.findings
    if text is None:
        if not listing.findings:
            without = f"no {path} lies beside it: its digest was compared with nothing"
            if outcome.digests_only:
                outcome.unchecked.append(Finding(Path(outcome.place).name, without))
            else:
                outcome.notes.append(without)
        return None
    try:
        record = inspect_record(text)
        wrong = "" if record.stem == stem else f"it is that of {record.stem}"
    except PublishError as error:
        wrong = str(error)
    if wrong:
        outcome.findings.append(Finding(path, f"is damaged: {wrong}"))
        return None
    return record


def _check(
    reader: Reader, path: str, listing: Listing, outcome: Outcome, options: Options, keep: Path | None = None
) -> Fetched:
    """Hold one file against what the lists say of it."""
    announced = listing.announced[path]
    fetched = fetch(reader, path, announced if announced.sha256 else None, options.stop, keep)
    outcome.count(path, fetched)
    return fetched


def _verify_unit(reader: Reader, stem: str, listing: Listing, outcome: Outcome, options: Options) -> None:
    with _scratch() as folder:
        files = {}
        for ending in ARTIFACTS:
            path = f"{stem}{ending}"
            if path in listing.announced:
                keep = None if options.digests_only else folder / Path(path).name
                files[ending] = _check(reader, path, listing, outcome, options, keep)
        local = {ending: fetched.local for ending, fetched in files.items()}
        if options.digests_only or not any(local.values()):
            return
        model = listing.announced.get(f"{stem}.onnx")
        unit = UnitFiles(
            model_name=f"{stem}.onnx",
            model=local.get(".onnx"),
            model_sha256=model.sha256 if model else None,
            archive_name=f"{stem}.tar.gz",
            archive=local.get(".tar.gz"),
            record=listing.records.get(stem),
        )
        outcome.take(examine(unit, folder, options.stop, options.relative))


def _check_signature(reader: Reader, listing: Listing, outcome: Outcome, options: Options) -> None:
    if options.public_key is None:
        unchecked = f"{SIGNATURE} was not checked: give --public-key KEY"
        signed = unchecked if listing.signed else "it is not signed"
        outcome.notes.append(signed)
        return
    if not listing.signed:
        outcome.findings.append(Finding(SIGNATURE, f"{MISSING}: nobody has signed this zoo"))
        return
    from publishing.trust.signature import check_signature

    sums = fetch(reader, CHECKSUMS, None, options.stop)
    digests = outcome.digests | ({} if sums.wrong else {CHECKSUMS: sums.sha256})
    reported = {finding.path for finding in outcome.findings}
    objections = check_signature(b"".join(blocks_of(reader, SIGNATURE)), digests, options.public_key)
    for path, _, what in (line.partition(": ") for line in objections):
        if path not in reported:  # once is enough
            outcome.findings.append(Finding(path, what))
    outcome.signature_holds = not objections


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what is fetched and unpacked; it is gone afterwards, whatever happens.

    Raises:
        PipelineError: what is written there finds no room; whatever is read has errors of its own.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="pipeline-verify-") as folder:
            yield Path(folder)
    except OSError as error:
        raise PipelineError(
            f"what is fetched and unpacked finds no room: {error.filename or 'the temporary folder'}: "
            f"{error.strerror or error}. Make some, or name another folder in the environment variable "
            "TMPDIR, and verify again"
        ) from error


@contextmanager
def _shown(progress: Progress, what: str, stage: str) -> Iterator[None]:
    begun = time.monotonic()
    progress.begin(what, stage)
    try:
        yield
        progress.end(what, stage, time.monotonic() - begun, reused=False)
    finally:
        progress.finish(what)
