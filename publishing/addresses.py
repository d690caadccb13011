"""Addresses as they may be shown: without what opens doors.

Messages, logs and records are kept, sent and published; a password in a URL is for its server alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_URL = re.compile(r"(?<=://)[^\s\"'<>`]+")
"""What follows the scheme of a URL, in the middle of any text."""
_USER = re.compile(
    r"""^(?: [^/?\#]*@                       # as RFC 3986 has it
      | [^/?\#@:]*:(?!\d*(?:[/?\#]|$)).*@ )   # a password with / ? or # in it, as keys of S3 have
    """,
    re.VERBOSE | re.DOTALL,
)
_QUERY = re.compile(r"[?#].*?(?=[)\]}.,;:!]*$)", re.DOTALL)
"""Query and fragment, without the punctuation of the sentence around."""
_AUTHORIZATION = re.compile(r"(authorization[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?)[^\s\"',;]+", re.IGNORECASE)
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_KEY|CREDENTIAL")
_SHORTEST = 8
"""Characters of the shortest value that is looked for: a shorter one may be any word."""


def names_a_user(url: str) -> bool:
    """Whether a URL has a user or a password in it, be it written as it should be or not."""
    return bool(_USER.search(url.partition("://")[2]))


def without_secrets(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return ``text``, an address or anything that holds some, without secrets.

    URLs lose user, password, query and fragment: which parameters hold tokens (``token``, ``sig``,
    ``X-Amz-Signature``), only their server knows. The values of variables in ``environment`` (None: our own)
    that are named as secrets are, such as ``HF_TOKEN``, become ``***``, as does what follows
    ``Authorization:``. A second time changes nothing.
    """
    for name, value in (os.environ if environment is None else environment).items():
        if len(value) >= _SHORTEST and value in text and _SECRET_NAME.search(name.upper()):
            text = text.replace(value, "***")
    text = _AUTHORIZATION.sub(r"\1***", text)
    return _URL.sub(lambda match: _QUERY.sub("", _USER.sub("", match[0])), text) if "://" in text else text
