"""What a zoo says of its own files: its two lists and its records, held against each other.

Whoever downloads reads them from anywhere and trusts none of them: each may be damaged, or made to harm.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import partial

from publishing import benchmarks
from publishing.benchmarks import BENCHMARK_SUFFIX
from publishing.errors import PublishError
from publishing.inspection.checksums import inspect_checksums
from publishing.inspection.manifest_inspection import Entries, compare_with_records, inspect_manifest
from publishing.inspection.readers import AbsentError, Reader, UnreadableError, blocks_of, is_inside
from publishing.inspection.record_inspection import inspect_record
from publishing.manifest import CHECKSUMS, MANIFEST
from publishing.record import RECORD_SUFFIX, PublishedFile, Record
from publishing.trust.signature import SIGNATURE

_LARGEST_LIST = 64 << 20
"""Bytes of the longest list or record that is read; a zoo of 10,000 models has lists of 10 MB."""
_RECORD = re.compile(rf"[^/]+/[^/]+/model/[^/]+{re.escape(RECORD_SUFFIX)}")
_ARTIFACTS = (".onnx", ".tar.gz")


class NotAZooError(PublishError):
    """There is nothing here that was published; the message says what there is."""


@dataclass(frozen=True, order=True)
class Finding:
    """What is wrong with one file."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True)
class Announced:
    """What a list says about a file; ``bytes`` is None where it gives no size."""

    sha256: str
    bytes: int | None
    by: str
    """The list, as messages call it."""


@dataclass
class Listing:
    """All that was learnt from the lists, before any other file was looked at."""

    announced: dict[str, Announced] = field(default_factory=dict)
    """Every file that there has to be, by its path, but the checksums themselves."""
    records: dict[str, Record] = field(default_factory=dict)
    """Those that could be read, by the paths of their files without ``.record.json``."""
    findings: list[Finding] = field(default_factory=list)
    lists_files: bool = True
    """Whether the place told which files it has, so that extra ones were looked for."""
    has_checksums: bool = True
    signed: bool = False

    def add(self, path: str, what: str) -> None:
        """Note what is wrong with a file."""
        self.findings.append(Finding(path, what))


def read_listing(reader: Reader) -> Listing:
    """Read manifest, checksums and records.

    Raises:
        NotAZooError: there are none, or those of another kind of zoo.
        AbsentError: there is no such folder.
        UnreadableError: the place cannot be read at all.
    """
    listing = Listing()
    names = reader.names()
    listing.lists_files = names is not None
    manifest, sums = (read_text(reader, name, listing) for name in (MANIFEST, CHECKSUMS))
    if manifest is None and sums is None and listing.findings:
        raise UnreadableError(listing.findings[0].what.removeprefix("cannot be read: "))
    listed = {} if sums is None else inspect_checksums(sums, partial(listing.add, CHECKSUMS))
    entries = None if manifest is None else inspect_manifest(manifest, partial(listing.add, MANIFEST))
    stems = _stems(listed, names, entries if sums is None else None)
    if not listed and (sums is None or listing.findings):
        _refuse_others(reader, manifest is not None, stems, names, listing)
    for name, text in ((MANIFEST, manifest), (CHECKSUMS, sums)):
        if text is None and not any(finding.path == name for finding in listing.findings):
            listing.add(name, "is missing")
    listing.has_checksums = sums is not None
    listing.signed = SIGNATURE in names if names is not None else _is_there(reader, SIGNATURE)
    listing.announced = {path: Announced(digest, None, CHECKSUMS) for path, digest in listed.items()}
    for stem in sorted(stems):
        _read_record(reader, stem, listing)
        _read_benchmark(reader, stem, listing)
    if entries is not None:
        _hold_against_records(entries, listing)
    if names is not None and (listed or listing.records):
        for path in sorted(names - set(listing.announced) - {CHECKSUMS, SIGNATURE}):
            if not any(part.startswith(".") for part in path.split("/")):  # such are the store's own
                listing.add(path, f"is extra: {CHECKSUMS} does not list it")
    return listing


def read_text(reader: Reader, path: str, listing: Listing) -> str | None:
    """Return a list's or a record's text; None, and where it is there a finding, if it cannot be read."""
    content = bytearray()
    try:
        for block in blocks_of(reader, path):
            content += block
            if len(content) > _LARGEST_LIST:
                raise UnreadableError(f"it has more than {_LARGEST_LIST:,} bytes, as no list has")
        return content.decode()
    except AbsentError:
        return None
    except UnreadableError as error:
        listing.add(path, f"cannot be read: {error}")
    except UnicodeDecodeError as error:
        listing.add(path, f"is damaged: it is no text in UTF-8 from byte {error.start} on")
    return None


def _is_there(reader: Reader, path: str) -> bool:
    try:
        next(reader.blocks(path), b"")
    except (AbsentError, UnreadableError):
        return False
    return True


def _stems(listed: dict[str, str], names: frozenset[str] | None, entries: Entries | None) -> set[str]:
    """The paths, without endings, of all units that there have to be.

    The manifest tells of them where there are no checksums; it has entries of its own making otherwise.
    """
    models = (str(path) for path in (entries or {}) if is_inside(path))
    stems = {path.removesuffix(".onnx") for path in models}
    for path in (*listed, *(names or ())):
        for ending in (RECORD_SUFFIX, *_ARTIFACTS) if path in listed else (RECORD_SUFFIX,):
            if path.endswith(ending):
                stems.add(path.removesuffix(ending))
    return stems


def _refuse_others(
    reader: Reader, has_manifest: bool, stems: set[str], names: frozenset[str] | None, listing: Listing
) -> None:
    """Tell a place that is none of a zoo's, or another's zoo, from a zoo with something wrong."""
    if names is not None and not names:
        raise NotAZooError(f"{reader.address} is empty: nothing was published there, or it was moved")
    has_record = any(_RECORD.fullmatch(name) for name in names or ())
    if names is None:
        has_record = any(_is_there(reader, f"{stem}{RECORD_SUFFIX}") for stem in sorted(stems)[:1])
    if has_record:
        return
    if listing.findings:
        names_told = " and ".join(sorted({finding.path for finding in listing.findings}))
        reason = f"what it has as {names_told} is something else"
    elif has_manifest:
        raise NotAZooError(
            f"{reader.address} is another's zoo: it has {MANIFEST}, and neither {CHECKSUMS} nor records. "
            "Its .tar.gz files can be verified one by one"
        )
    else:
        reason = f"it has neither {MANIFEST} nor {CHECKSUMS}"
    raise NotAZooError(f"{reader.address} is no published folder: {reason}. Give the folder that has them")


def _read_record(reader: Reader, stem: str, listing: Listing) -> None:
    path = f"{stem}{RECORD_SUFFIX}"
    announced = listing.announced.get(path)
    text = read_text(reader, path, listing)
    if text is None:
        listing.announced.setdefault(path, Announced("", None, "the other files of the unit"))
        return
    if announced and hashlib.sha256(text.encode()).hexdigest() != announced.sha256:
        return  # told when the digests of all files are compared; what it says is not to be relied on
    try:
        record = inspect_record(text)
    except PublishError as error:
        listing.add(path, f"is damaged: {error}")
        return
    if stem != f"{record.folder}/{record.stem}":
        listing.add(
            path, f"is in the wrong place: it belongs to {record.folder}/{record.stem}{RECORD_SUFFIX}"
        )
        return
    listing.records[stem] = record
    if not announced:
        if listing.has_checksums:
            listing.add(path, f"is extra: {CHECKSUMS} does not list it")
        listing.announced[path] = Announced(
            hashlib.sha256(text.encode()).hexdigest(), len(text.encode()), path
        )
    for kind, file in record.files.items():
        _announce(path, f"{stem}.{kind}", file, listing)
    for row in record.predictions:
        if row["thumbnail"] not in listing.announced and listing.has_checksums:
            listing.add(CHECKSUMS, f"does not list {row['thumbnail']}, which {path} shows")


def _read_benchmark(reader: Reader, stem: str, listing: Listing) -> None:
    """Hold measured times, where a list has them, against the record of their model."""
    path = f"{stem}{BENCHMARK_SUFFIX}"
    record, announced = listing.records.get(stem), listing.announced.get(path)
    text = read_text(reader, path, listing) if record and announced else None
    if record is None or announced is None or text is None:
        return
    if hashlib.sha256(text.encode()).hexdigest() != announced.sha256:
        return  # told when the digests of all files are compared
    try:
        benchmark = benchmarks.from_json(text)
    except PublishError as error:
        listing.add(path, f"is damaged: {error}")
        return
    if (benchmark.name, benchmark.sha256) != (record.name, record.files["onnx"].sha256):
        listing.add(path, f"was measured with another file than {stem}.onnx")


def _announce(record: str, expected: str, file: PublishedFile, listing: Listing) -> None:
    """Take over what a record says about a file of its unit."""
    if file.path != expected:
        listing.add(record, f"names the file {file.path!a}, and it should be {expected}")
        return
    announced = listing.announced.get(expected)
    if announced is None:
        listing.announced[expected] = Announced(file.sha256, file.bytes, record)
        if listing.has_checksums:
            listing.add(CHECKSUMS, f"does not list {expected}, which {record} describes")
    elif announced.sha256 != file.sha256:
        both = f"the sha256 {file.sha256} of {expected}, and {CHECKSUMS} says {announced.sha256}"
        listing.add(record, f"gives {both}: one of them was changed")
    else:
        listing.announced[expected] = Announced(file.sha256, file.bytes, CHECKSUMS)


def _hold_against_records(entries: Entries, listing: Listing) -> None:
    damaged = {stem for stem in _all_units(listing) if stem not in listing.records}
    for what in compare_with_records(entries, listing.records.values(), damaged):
        listing.add(MANIFEST, what)


def _all_units(listing: Listing) -> set[str]:
    return {path.removesuffix(RECORD_SUFFIX) for path in listing.announced if path.endswith(RECORD_SUFFIX)}
