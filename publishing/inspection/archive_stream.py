"""The bytes of an archive that anybody may have made: whole, verified, and never more than they may be."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from typing import IO, Self

from isal import isal_zlib

from publishing.errors import PublishError

BLOCK = 1 << 20
_GZIP = 31  # of zlib's wbits: a gzip stream, whose checksum and length are verified
_LARGEST_METADATA = 1 << 16
"""Bytes of what may stand before an entry, such as a long name."""
_METADATA = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME)
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


class ArchiveError(PublishError):
    """The archive is damaged, or was made to harm; the message begins with what is wrong with it."""


@dataclass(frozen=True)
class Bounds:
    """What an archive may become when it is unpacked: bytes of all entries, number of entries."""

    bytes: int
    members: int = 10_000


def bounds_for(compressed: int) -> Bounds:
    """Return the bounds for an archive of so many bytes.

    Weights hardly compress: twenty times its size is more than any honest archive becomes, and a
    fiftieth of what deflate can reach. 8 GiB are four times the largest model that there can be.
    """
    return Bounds(min(max(64 << 20, 20 * compressed), 8 << 30))


class Entry(tarfile.TarInfo):
    """An entry of a kind that may be there, with bounded metadata: told by its first block alone."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read the first block of an entry.

        Raises:
            ArchiveError: it is neither a file nor a folder, or its metadata is beyond all bounds.
            tarfile.HeaderError: it is the block of zeros that ends an archive.
        """
        try:
            entry = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise
            raise ArchiveError(f"is damaged inside: where an entry should begin, {error}") from error
        if entry.size < 0 or (entry.type in _METADATA and entry.size > _LARGEST_METADATA):
            raise ArchiveError(f"was made to harm: the metadata of an entry claims {entry.size:,} bytes")
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, *_METADATA):
            kind = _KINDS.get(entry.type, "of an unknown kind")
            raise ArchiveError(
                f"was made to harm: {shown(entry.name)} is {kind}; only files and folders may be there"
            )
        return entry


class Unzipped(io.RawIOBase):
    """The content of a gzip stream of one member, up to the bound and no further."""

    def __init__(self, raw: IO[bytes], bounds: Bounds) -> None:
        self._raw = raw
        self._inflate = isal_zlib.decompressobj(wbits=_GZIP)
        self._waiting = b""
        self._bounds = bounds
        self._size = 0
        self._last = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, and never more than a block; none at the end.

        Raises:
            ArchiveError: the stream is damaged, cut short, or larger than it may be.
        """
        wanted = BLOCK if size < 0 else min(size, BLOCK)
        while not self._inflate.eof:
            ended = False
            if not self._waiting:
                self._waiting = self._raw.read(BLOCK)
                ended = not self._waiting
            block = self._inflated(wanted)
            self._size += len(block)
            if self._size > self._bounds.bytes:
                raise ArchiveError(
                    f"was made to fill the disk: it unpacks to more than {self._bounds.bytes:,} bytes"
                )
            if block:
                self._last = block
                return block
            if ended and not self._inflate.eof:
                raise ArchiveError("is cut short: the gzip stream stops before its end")
        return b""

    def _inflated(self, wanted: int) -> bytes:
        try:
            block: bytes = self._inflate.decompress(self._waiting, wanted)
        except isal_zlib.error as error:  # type: ignore[misc]  # its stub calls the class an instance
            if "wrapper" in str(error) and not self._size:
                raise ArchiveError("is no gzip archive: it does not begin like one") from error
            raise ArchiveError(
                f"is damaged: it does not unpack after {self._size:,} bytes: {error}"
            ) from error
        self._waiting = self._inflate.unconsumed_tail
        return block

    def finish(self, end: int) -> None:
        """Read to the end, so that the checksum of the whole is verified; ``end`` is that of the entries.

        Raises:
            ArchiveError: what follows the entries is not the zeros that end a tar archive.
        """
        rest = self._last[max(0, end - self._size + len(self._last)) :]
        while rest.count(0) == len(rest):
            rest = self.read()
            if not rest:
                break
        else:
            raise ArchiveError("is damaged: there is more behind the end of the tar archive")
        if self._inflate.unused_data or self._raw.read(1):
            raise ArchiveError("is damaged: there are bytes behind the end of the gzip stream")


def shown(name: str) -> str:
    """A name as a message can hold it: whoever made it may have put control characters into it."""
    return ascii(name[:120])
