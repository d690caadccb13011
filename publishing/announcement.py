"""What a zoo says of itself: cards, catalogue, checksums, signature and, last of all, the manifest.

All of it follows from the records of what is published whole, so it can be made again at any time. Where
others publish into the same zoo meanwhile, whoever announces last looks once more and announces again: so
nothing is forgotten, in stores without locks too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from publishing.benchmarks import BENCHMARK_SUFFIX, Benchmark
from publishing.manifest import CHECKSUMS, MANIFEST, checksums, manifest, read_checksums, without_models
from publishing.record import RECORD_SUFFIX, Record
from publishing.stores.interface import Content, Stamp, bytes_of, content_of
from publishing.trust.signature import SIGNATURE
from publishing.zoo import PublishedUnit, Zoo

Pages = Callable[[Sequence[Record], Sequence[Benchmark]], Mapping[str, bytes]]
"""The pages of a zoo by path, made from all of its records and measured times."""
Signer = Callable[[Mapping[str, str], bytes | None], bytes]
"""Signs the files of a zoo, given by path and digest; also gets the signature that is there, which may do."""

_ATTEMPTS = 20
"""Others who publish at the same moment end sooner or later; their own announcement has everything."""


def announce(zoo: Zoo, pages: Pages, signer: Signer | None = None) -> list[str]:
    """Write the pages and the lists of what is published; what there is to tell the user, in lines.

    Raises PublishError.
    """
    remarks: list[str] = []
    with zoo.store.locked():
        for _ in range(_ATTEMPTS):
            before = _lists(zoo)
            stamps = zoo.store.stamps()
            units = zoo.units(stamps)
            remarks += [
                line for line in _announce(zoo, units, stamps, before, pages, signer) if line not in remarks
            ]
            if _records(zoo.list_again().stamps) == _records(stamps):
                break
    return remarks


def announce_nothing(zoo: Zoo) -> None:
    """Write the lists of a zoo without models, so that the place is known as ours before its first file.

    A place that holds something by now is left as it is. Raises PublishError.
    """
    with zoo.store.locked():
        if not zoo.store.stamps():
            zoo.store.commit(_written_lists(zoo, {}, {}, {}))


def withhold(zoo: Zoo, paths: Collection[str]) -> None:
    """List some files of units no more, though they are still there: they are about to change or to go.

    Pages and signature stay as they are until the next announcement, and so does a manifest that somebody
    has changed. Raises PublishError.
    """
    with zoo.store.locked():
        manifest_text, listed = _lists(zoo)
        kept = {path: digest for path, digest in listed.items() if path not in paths or _is_page(path)}
        is_ours = manifest_text and content_of(manifest_text).sha256 == listed.get(MANIFEST)
        entries = without_models(manifest_text, paths) if manifest_text and is_ours else None
        add = {} if entries is None else {MANIFEST: content_of(entries.encode())}
        kept |= {path: content.sha256 for path, content in add.items()}
        if kept != listed:
            zoo.store.commit({CHECKSUMS: content_of(checksums(kept).encode())} | add)


def _lists(zoo: Zoo) -> tuple[bytes | None, dict[str, str]]:
    """The manifest as it lies there, and the digests that are listed."""
    return zoo.store.read(MANIFEST), zoo.listed()


def _records(stamps: Mapping[str, Stamp]) -> dict[str, Stamp]:
    return {path: stamp for path, stamp in stamps.items() if path.endswith(RECORD_SUFFIX)}


def _announce(
    zoo: Zoo,
    units: Mapping[str, PublishedUnit],
    stamps: Mapping[str, Stamp],
    before: tuple[bytes | None, dict[str, str]],
    pages: Pages,
    signer: Signer | None,
) -> list[str]:
    old_manifest, listed = before
    benchmarks = zoo.benchmarks(units, stamps)
    made = pages(
        [unit.record for unit in units.values()], [benchmark for benchmark, _ in benchmarks.values()]
    )
    page_contents = {path: content_of(data) for path, data in made.items()}
    add = {path: page for path, page in page_contents.items() if not zoo.holds(path, page, listed)}
    others = {path: page.sha256 for path, page in page_contents.items()}
    others |= {path: digest for path, (_, digest) in benchmarks.items()}
    lists = _written_lists(zoo, units, others, listed)
    digests = read_checksums(bytes_of(lists[CHECKSUMS])) | {CHECKSUMS: lists[CHECKSUMS].sha256}
    changed = listed != read_checksums(bytes_of(lists[CHECKSUMS]))
    gone = [path for path in listed if path not in digests and _is_page(path)]
    # Times of a unit that is no more, or of other bytes of it, or damaged.
    gone += [path for path in stamps if path.endswith(BENCHMARK_SUFFIX) and path not in digests]
    remarks = [
        f"{path} is not announced: a file of its unit is missing or has another size; publish it again"
        for path in sorted(_records(stamps).keys() - {unit.path for unit in units.values()})
    ]
    remarks += [
        f"{unit.path} was changed after it was published; publish its unit again"
        for unit in units.values()
        if _listed_as(zoo, unit, listed) != unit.sha256
    ]
    if old_manifest is not None and content_of(old_manifest).sha256 != listed.get(MANIFEST):
        remarks.append(f"{MANIFEST} was not as it was written; it has been made again from the records")
    if signer:
        previous = zoo.store.read(SIGNATURE)
        signature = signer(digests, previous)
        if signature != previous:
            add[SIGNATURE] = content_of(signature)
    elif changed and SIGNATURE in stamps:
        gone.append(SIGNATURE)
        remarks.append("the zoo has changed, and its signature was removed; sign it again with --sign KEY")
    is_new = changed or add or gone or old_manifest != lists[MANIFEST].data
    zoo.store.commit(add | lists if is_new else {}, gone)  # even of nothing: it clears up after a broken run
    return remarks


def _written_lists(
    zoo: Zoo, units: Mapping[str, PublishedUnit], others: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, Content]:
    """The checksums and then the manifest, in the order in which they have to be written.

    ``others`` are the digests of pages and measured times by path.

    A record that is listed keeps its digest, unless it was published through ``zoo``: any other change is
    damage, or somebody else's to announce, and must not be made good by listing it.
    """
    text = content_of(manifest(unit.record for unit in units.values()).encode())
    digests = {path: digest for unit in units.values() for path, digest in unit.digests.items()}
    records = {unit.path: _listed_as(zoo, unit, before) for unit in units.values()}
    listed = {**digests, **records, **others, MANIFEST: text.sha256}
    return {CHECKSUMS: content_of(checksums(listed).encode()), MANIFEST: text}


def _listed_as(zoo: Zoo, unit: PublishedUnit, before: Mapping[str, str]) -> str:
    """The digest under which a record is listed."""
    is_ours = zoo.written.get(unit.path) == unit.sha256
    return unit.sha256 if is_ours else before.get(unit.path, unit.sha256)


def _is_page(path: str) -> bool:
    """Whether ``path`` is a page or a picture; the files of a unit go only when it is withdrawn."""
    return "/model/" not in path and path != MANIFEST
