"""A zoo as its store shows it: the records of what is published whole."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from publishing import benchmarks
from publishing.benchmarks import BENCHMARK_SUFFIX, Benchmark
from publishing.errors import PublishError
from publishing.manifest import CHECKSUMS, MANIFEST, read_checksums
from publishing.record import RECORD_SUFFIX, Record, from_json, parse_name
from publishing.stores.interface import Content, Stamp, Store
from publishing.stores.known import Known


@dataclass(frozen=True)
class PublishedUnit:
    """A published unit: its record, and the record's own digest in hex."""

    record: Record
    path: str
    sha256: str

    @property
    def files(self) -> list[str]:
        """The paths of the files that are this unit's alone."""
        return [*(file.path for file in self.record.files.values()), self.path]

    @property
    def benchmark_path(self) -> str:
        """Where measured times of the unit are, if there are any."""
        return self.path.removesuffix(RECORD_SUFFIX) + BENCHMARK_SUFFIX

    @property
    def digests(self) -> dict[str, str]:
        """The digests of the unit's files by path, the record's and its thumbnails' too."""
        digests = {file.path: file.sha256 for file in self.record.files.values()} | {self.path: self.sha256}
        return digests | {row["thumbnail"]: row["thumbnail_sha256"] for row in self.record.predictions}


@dataclass
class Snapshot:
    """What a store held when it was listed; what is put there later is seen by listing it again."""

    stamps: dict[str, Stamp]
    listed: Mapping[str, str]
    """The digests that the zoo announced, by path."""
    units: Mapping[str, PublishedUnit]
    """By name; those that are not whole too."""
    spellings: dict[str, str]
    """By model in lower case, the name of one of its units: kept up to date by whoever publishes."""


@dataclass
class Zoo:
    """The zoo in ``store``. Records that were read once are read again only where they changed."""

    store: Store
    known: Known = field(default_factory=Known)
    """What was found out about it before."""
    written: dict[str, str] = field(default_factory=dict)
    """The records that were published through this object: digests in hex by path."""
    _records: dict[str, tuple[Stamp, PublishedUnit | None]] = field(default_factory=dict)
    _snapshot: Snapshot | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def units(
        self, stamps: Mapping[str, Stamp] | None = None, *, whole: bool = True
    ) -> dict[str, PublishedUnit]:
        """Everything that is published, by name; and whole: its files are there, and of the right sizes.

        ``stamps`` are those of the store, where they are known already. Raises PublishError.
        """
        stamps = self.store.stamps() if stamps is None else stamps
        with self._lock:
            by_path = {
                path: self._unit(path, stamps[path]) for path in stamps if path.endswith(RECORD_SUFFIX)
            }
            self._records = {path: self._records[path] for path in by_path}
        units = [unit for unit in by_path.values() if unit and (not whole or _is_whole(unit, stamps))]
        return {unit.record.name: unit for unit in sorted(units, key=lambda unit: unit.path)}

    def snapshot(self, record: str | None = None) -> Snapshot:
        """The store as it was when it was last listed, which is now where there is need for it.

        Listing takes longer with each file, so nothing lists for a single unit. With the path of a
        ``record``, that one is looked at: where it is not as it was seen, somebody else is at work, or we
        have published it ourselves, and the store is listed again. Raises PublishError.
        """
        with self._lock:
            snapshot = self._snapshot
        if snapshot is None or (record and snapshot.stamps.get(record) != self.store.stamp(record)):
            snapshot = self.list_again()
        return snapshot

    def list_again(self) -> Snapshot:
        """List the store now. Raises PublishError."""
        stamps = self.store.stamps()
        units = self.units(stamps, whole=False)
        spellings = {name.partition("@")[0].lower(): name for name in units}
        snapshot = Snapshot(stamps, self.listed(), units, spellings)
        with self._lock:
            self._snapshot = snapshot
        return snapshot

    def _unit(self, path: str, stamp: Stamp) -> PublishedUnit | None:
        entry = self._records.get(path)
        if entry is None or entry[0] != stamp:
            entry = self._records[path] = stamp, _read(path, self.store.read(path))
        return entry[1]

    def benchmarks(
        self, units: Mapping[str, PublishedUnit], stamps: Mapping[str, Stamp]
    ) -> dict[str, tuple[Benchmark, str]]:
        """The measured times of ``units`` by path, each with the digest of its file in hex.

        Those of other bytes of a model, and what is damaged, are left out. ``stamps`` are those of the store.
        Raises PublishError.
        """
        found = {}
        for unit in units.values():
            path = unit.benchmark_path
            content = self.store.read(path) if path in stamps else None
            benchmark = None if content is None else _benchmark_of(unit, content)
            if benchmark:
                found[path] = benchmark, hashlib.sha256(content or b"").hexdigest()
        return found

    def published(self, name: str) -> Record | None:
        """The record of a unit that is published whole, or None. Raises PublishError: ``name`` is none."""
        parse_name(name)
        unit = self.units().get(name)
        return unit.record if unit else None

    def listed(self) -> dict[str, str]:
        """The digests that the zoo announces, by path. Raises PublishError."""
        return read_checksums(self.store.read(CHECKSUMS) or b"")

    def is_intact(self, unit: PublishedUnit, listed: Mapping[str, str]) -> bool:
        """Whether a unit's files are as they were published: see :meth:`changed_file`."""
        return not self.changed_file(unit, listed)

    def changed_file(self, unit: PublishedUnit, listed: Mapping[str, str]) -> str:
        """The first file of a unit that is not as it was published, as far as the store can compute digests.

        Empty where all are. A folder reads all of them, a remote store none: there, the sizes have to do.
        ``listed`` are the digests that are announced.
        """
        if listed.get(unit.path, unit.sha256) != unit.sha256:
            return unit.path
        digests = unit.digests.items()
        return next((path for path, digest in digests if self.store.sha256(path) not in (digest, None)), "")

    def holds(self, path: str, content: Content, digests: Mapping[str, str]) -> bool:
        """Whether the file at ``path`` has this content, by ``digests`` and what the store can tell.

        ``digests`` are those that were noted, by path.
        """
        if digests.get(path) != content.sha256:
            return False
        stamp = self.store.stamp(path)
        same_size = stamp is not None and stamp.bytes == content.size
        return same_size and self.store.sha256(path) in (content.sha256, None)

    def require_ours(self, stamps: Mapping[str, Stamp] | None = None) -> None:
        """Raise PublishError where the store holds something, and it is no zoo of this pipeline.

        ``stamps`` are those of the store, where they are known already.
        """
        stamps = self.store.stamps() if stamps is None else stamps
        # Others have lists of checksums too; only ours have the manifest in them.
        if not stamps or any(path.endswith(RECORD_SUFFIX) for path in stamps) or MANIFEST in self.listed():
            return
        some = ", ".join(sorted({path.split("/")[0] for path in stamps})[:5])
        what = "a model zoo of other making" if MANIFEST in stamps else "no zoo"
        raise PublishError(
            f"{self.store.place} is {what} (it has {some}), and nothing was written there; "
            "name a new or an empty folder"
        )


def _read(path: str, content: bytes | None) -> PublishedUnit | None:
    """None where it is gone or damaged: in both cases publishing again is the way out."""
    try:
        record = from_json((content or b"").decode())
    except (UnicodeDecodeError, PublishError):
        return None
    if path != f"{record.folder}/{record.stem}{RECORD_SUFFIX}":
        return None
    return PublishedUnit(record, path, hashlib.sha256(content or b"").hexdigest())


def _benchmark_of(unit: PublishedUnit, content: bytes) -> Benchmark | None:
    try:
        benchmark = benchmarks.from_json(content.decode())
    except (UnicodeDecodeError, PublishError):
        return None
    wanted = unit.record.name, unit.record.files["onnx"].sha256
    return benchmark if (benchmark.name, benchmark.sha256) == wanted else None


def _is_whole(unit: PublishedUnit, stamps: Mapping[str, Stamp]) -> bool:
    record = unit.record
    return all(
        file.path == f"{record.folder}/{record.stem}.{kind}"
        and file.path in stamps
        and stamps[file.path].bytes == file.bytes
        for kind, file in record.files.items()
    ) and all(row["thumbnail"] in stamps for row in record.predictions)
