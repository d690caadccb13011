"""pip's own settings, read where pip reads them, and said again for uv, which ignores them.

Sources: pip's documentation on configuration (files, precedence, ``PIP_`` variables) and uv's on
environment variables.
"""

from __future__ import annotations

import configparser
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class PipSettings:
    """Where packages come from, as the user has told pip."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    certificate: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    """Hosts that need no certificate to be believed: ``host``, or ``host:port`` for one port alone."""
    no_index: bool = False

    def trusts(self, url: str) -> bool:
        """Whether ``url`` leads to a host that needs no certificate."""
        parts = urlsplit(url)
        host, port = _host(parts.netloc)
        address = host, port or _PORTS.get(parts.scheme)
        return host is not None and any(
            _host(trusted) in (address, (host, None)) for trusted in self.trusted_hosts
        )


def _host(address: str) -> tuple[str | None, int | None]:
    """The host and the port of ``host`` or ``host:port``; None for what is not said, or cannot be read."""
    try:
        parts = urlsplit(f"//{address}")
        return parts.hostname, parts.port
    except ValueError:
        return None, None  # pip itself complains of it


def _configuration_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """The files that pip reads, the weakest first."""
    home = Path(environment.get("HOME") or Path.home())
    configured = environment.get("PIP_CONFIG_FILE")
    if configured == "/dev/null":
        return
    if sys.platform == "darwin":
        yield Path("/Library/Application Support/pip/pip.conf")
        yield home / "Library/Application Support/pip/pip.conf"
    else:
        for folder in reversed(environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")):
            yield Path(folder) / "pip/pip.conf"
    yield Path("/etc/pip.conf")
    yield home / ".pip/pip.conf"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if configured:
        yield Path(configured)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Setting name (``extra-index-url``) to value; stronger places have overwritten weaker ones."""
    settings: dict[str, str] = {}
    for file in _configuration_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself reports a broken file; a build does not fail on it
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            settings[name[4:].lower().replace("_", "-")] = value
    return settings


def read_pip_settings(environment: Mapping[str, str]) -> PipSettings:
    """Read pip's settings from its files and from the variables in ``environment``."""
    settings = _settings(environment)
    return PipSettings(
        index_url=settings.get("index-url"),
        extra_index_urls=tuple(settings.get("extra-index-url", "").split()),
        find_links=tuple(settings.get("find-links", "").split()),
        certificate=settings.get("cert"),
        trusted_hosts=tuple(settings.get("trusted-host", "").split()),
        no_index=settings.get("no-index", "").lower() in {"1", "true", "yes", "on"},
    )


def uv_variables(settings: PipSettings, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that make uv do as pip would; one that the user has set for uv stays."""
    variables = {
        "UV_FIND_LINKS": ",".join(settings.find_links),
        "UV_DEFAULT_INDEX": settings.index_url or "",
        "UV_INDEX": " ".join(settings.extra_index_urls),
        "SSL_CERT_FILE": settings.certificate or "",
        "UV_INSECURE_HOST": " ".join(settings.trusted_hosts),
        # pip takes the best version of all indexes, uv by default that of the first that has any.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if settings.extra_index_urls else "",
    }
    return {name: value for name, value in variables.items() if value and name not in environment}
