"""The signature over a published zoo, as OpenSSF model-signing makes and reads it.

One file, ``model.sig``: a Sigstore bundle with an in-toto statement that lists the digest of every file,
https://github.com/sigstore/model-transparency#model-signing-format. It is made from digests that are
known already, so that adding a model to a large zoo does not read the others again, and that a zoo may
lie in a store without folders. The package's own command line verifies it all the same.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publishing.errors import PublishError
from publishing.trust.signing_keys import fingerprint, password_of, public_key_of

if TYPE_CHECKING:
    from model_signing.hashing import Config
    from model_signing.manifest import Manifest

SIGNATURE = "model.sig"

_SUBJECT = "zoo"
"""What the signed statement calls the files together, wherever they lie."""
_IGNORED = (SIGNATURE, ".lock", ".staging")
"""What the signature tells other verifiers to pass over; ours passes over all hidden files."""


def sign_digests(digests: Mapping[str, str], key: Path, previous: bytes | None = None) -> bytes:
    """Sign files by their digests (sha256 in hex, by path with ``/``): the bytes of a ``model.sig``.

    ``key`` is a private key in PEM; :mod:`publishing.trust.signing_keys` says which, and where its password
    comes from. Signatures of such keys differ each time, so ``previous``, the signature that is there, is
    returned as it is where it is good for the same files and of the same key.

    Raises:
        PublishError: the key is not fit, or what signs is not installed.
    """
    password = password_of(key)
    from model_signing import signing

    with _scratch() as place:
        public_key, signature = place / "public.pem", place / SIGNATURE
        public_key.write_bytes(public_key_of(key))
        if previous and not check_signature(previous, digests, public_key):
            return previous
        signer = signing.Config().use_elliptic_key_signer(
            private_key=key,
            password=password,  # type: ignore[arg-type] # handed on to cryptography, which takes bytes only
        )
        signer.set_hashing_config(_known(_manifest(digests))).sign(place, signature)
        return signature.read_bytes()


def check_signature(signature: bytes, digests: Mapping[str, str], public_key: Path) -> list[str]:
    """Hold the bytes of a ``model.sig`` against digests of files; what is wrong, nothing if all is well.

    ``digests`` are sha256 in hex by path with ``/``, of what is there now. The signature itself and hidden
    files may be among them, and count for nothing.

    Raises:
        PublishError: the key is not fit, or what checks is not installed.
    """
    expected = fingerprint(public_key)
    try:
        hint = json.loads(signature)["verificationMaterial"]["publicKey"]["hint"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return [f"{SIGNATURE}: is damaged, or was not made with a key; get it again"]
    if hint != expected:
        return [
            f"{SIGNATURE}: was made with another key than {public_key}: with the one whose sha256 is "
            f"{str(hint)[:64]}, not {expected}"
        ]
    try:
        signed, kind = _signed(signature, public_key)
    except _damages() as error:
        return [
            f"{SIGNATURE}: does not hold: it was damaged or forged ({type(error).__name__}). "
            "Trust nothing that came with it, and get it again"
        ]
    if kind != {"files", "sha256"}:
        return [f"{SIGNATURE}: lists {', '.join(sorted(kind))}; only sha256 of whole files can be checked"]
    covered = {path: digest for path, digest in digests.items() if _is_covered(path)}
    return list(_differences(signed, covered))


def _is_covered(path: str) -> bool:
    return path != SIGNATURE and not any(part.startswith(".") for part in path.split("/"))


def _differences(signed: Mapping[str, str], digests: Mapping[str, str]) -> Iterator[str]:
    """What differs between the signed files and those that are there, a line for each."""
    if not set(signed) & set(digests):
        some = ", ".join(sorted(signed)[:3]) or "none"
        yield f"{SIGNATURE}: is of other files, such as {some}; it covers nothing of what is here"
        return
    for path in sorted({*signed, *digests}):
        if path not in digests:
            yield f"{path}: is signed, and missing"
        elif path not in signed:
            yield f"{path}: is not signed; it was added later"
        elif signed[path] != digests[path]:
            yield f"{path}: is not what was signed: its sha256 is {digests[path]}, not {signed[path]}"


def _signed(signature: bytes, public_key: Path) -> tuple[dict[str, str], set[str]]:
    """The digests by path that a good signature covers, and the words for how they were made.

    Raises one of :func:`_damages`.
    """
    from model_signing import verifying
    from model_signing.manifest import Manifest

    signed: dict[str, str] = {}
    kind: set[str] = set()

    class Listener(Manifest):  # noqa: PLW1641 - nobody hashes it
        """Compared with what was signed, once the signature holds: the one place that shows it."""

        def __eq__(self, other: object) -> bool:
            assert isinstance(other, Manifest)
            kind.add(other.serialization_type["method"])
            for entry in other.resource_descriptors():
                kind.add(entry.digest.algorithm)
                signed[entry.identifier] = entry.digest.digest_hex
            return True

    with _scratch() as place:
        file = place / SIGNATURE
        file.write_bytes(signature)
        listener = Listener(_SUBJECT, [], _serialization())
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=public_key)
        verifier.set_hashing_config(_known(listener)).verify(place, file)
    return {path: digest for path, digest in signed.items() if _is_covered(path)}, kind


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for signatures and public keys: model-signing reads and writes files only."""
    try:
        with tempfile.TemporaryDirectory() as place:
            yield Path(place)
    except OSError as error:
        raise PublishError(
            f"signing and checking need room for a small file: {error.filename}: {error.strerror or error}"
        ) from error


def _damages() -> tuple[type[Exception], ...]:
    """What model-signing raises, or lets through, where a signature is damaged."""
    from cryptography.exceptions import InvalidSignature

    return (InvalidSignature, ValueError, KeyError, TypeError, AttributeError, IndexError)


def _manifest(digests: Mapping[str, str]) -> Manifest:
    from model_signing._hashing.hashing import Digest  # the type that the public manifest's items take
    from model_signing.manifest import Manifest

    serialization = _serialization()
    items = [
        serialization.new_item(path, Digest("sha256", bytes.fromhex(digest)))
        for path, digest in digests.items()
    ]
    return Manifest(_SUBJECT, items, serialization)


def _serialization() -> Any:
    from model_signing.manifest import SerializationType

    return SerializationType.from_args(
        {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": _IGNORED}
    )


def _known(manifest: Manifest) -> Config:
    """A way of hashing a folder that answers with a manifest and reads nothing."""
    from model_signing.hashing import Config

    class Known(Config):
        def hash(self, model_path: object, *, files_to_hash: Iterable[object] | None = None) -> Manifest:
            return manifest

    return Known()  # type: ignore[no-untyped-call] # their constructor has no types
