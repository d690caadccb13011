"""The keys of a zoo's signature: elliptic, in PEM files, as openssl writes them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from publishing.errors import PublishError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

PASSWORD = "PIPELINE_KEY_PASSWORD"  # noqa: S105 - the name of a variable, not what it holds
"""The environment variable with the password of an encrypted private key."""

_CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""Those that OpenSSF model-signing takes; openssl calls the first one prime256v1."""
_MAKE = "`openssl ecparam -name prime256v1 -genkey -noout -out zoo.key` makes one"
_DERIVE = "`openssl ec -in zoo.key -pubout -out zoo.pub` makes it from the private one"


def _require_library() -> None:
    """Import what signs and checks.

    Raises:
        PublishError: it is not installed.
    """
    try:
        import model_signing.signing  # noqa: F401 - whether it can be had is the question
    except ImportError as error:
        raise PublishError(
            f"signatures need packages that are not here ({error}): pip install 'onnx-zoo-pipeline[sign]'"
        ) from error


def password_of(key: Path) -> bytes | None:
    """Return the password that a private key needs, from the environment; None where it needs none.

    Raises:
        PublishError: it is no private key of a curve that can sign, the password is missing or wrong, or
            what signs is not installed.
    """
    _, password = _private_key(key)
    return password


def public_key_of(key: Path) -> bytes:
    """Return the public half of a private key, in PEM.

    Raises:
        PublishError: as :func:`password_of`.
    """
    private, _ = _private_key(key)
    return _pem(private.public_key())


def fingerprint(public_key: Path) -> str:
    """Return the sha256 of a public key's PEM text in hex, which a signature carries as its hint.

    Raises:
        PublishError: it is no public key of a curve that can sign, or what checks is not installed.
    """
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    text = _read(public_key)
    if b"PRIVATE KEY" in text:
        raise PublishError(
            f"{public_key} is a private key, to be kept secret; name the public one; {_DERIVE}"
        )
    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublishError(f"{public_key} is no public key in PEM form; {_DERIVE}") from error
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise PublishError(f"{public_key} is not of a curve that signs a zoo: {', '.join(_CURVES)}")
    return hashlib.sha256(_pem(key)).hexdigest()


def _private_key(key: Path) -> tuple[EllipticCurvePrivateKey, bytes | None]:
    """The key, and its password where it is encrypted."""
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = _read(key)
    password: bytes | None = None
    try:
        try:
            private_key = load_pem_private_key(text, None)
        except TypeError:  # it is encrypted
            password = os.environ.get(PASSWORD, "").encode()
            if not password:
                raise PublishError(f"{key} is encrypted: put its password into {PASSWORD}") from None
            private_key = load_pem_private_key(text, password)
    except (ValueError, UnsupportedAlgorithm) as error:
        if password:
            raise PublishError(f"{key} is encrypted, and not with the password in {PASSWORD}") from error
        raise PublishError(f"{key} is no private key in PEM form; {_MAKE}") from error
    if not isinstance(private_key, EllipticCurvePrivateKey) or private_key.curve.name not in _CURVES:
        raise PublishError(f"{key} is not of a curve that signs a zoo: {', '.join(_CURVES)}; {_MAKE}")
    return private_key, password


def _pem(key: EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise PublishError(f"the key {file} cannot be read: {error.strerror or error}") from error
