"""Signatures that are damaged, forged, or of something else: each is a finding, and none a defect."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publishing.trust.signature import SIGNATURE, check_signature, sign_digests
from tests.publishing.trust.signing import (
    DIGESTS,
    listed,
    make_key,
    objections_to,
)


def test_another_key_is_named(tmp_path: Path, zoo: Path) -> None:
    _, public = make_key(tmp_path, "other")

    (objection,) = objections_to(zoo, public)
    assert objection.startswith(f"{SIGNATURE}: was made with another key than {public}")


def test_a_signature_that_only_claims_to_be_of_the_key_does_not_hold(
    tmp_path: Path, zoo: Path, keys: tuple[Path, Path]
) -> None:
    key, _ = make_key(tmp_path, "other")
    forged = json.loads(sign_digests(listed(zoo), key))
    honest = json.loads((zoo / SIGNATURE).read_bytes())
    forged["verificationMaterial"] = honest["verificationMaterial"]
    (zoo / SIGNATURE).write_text(json.dumps(forged), encoding="utf-8")

    (objection,) = objections_to(zoo, keys[1])
    assert "does not hold: it was damaged or forged (InvalidSignature)" in objection


def test_the_signature_of_another_zoo_is_told_as_such(signature: bytes, keys: tuple[Path, Path]) -> None:
    (objection,) = check_signature(signature, {"resnet18-9.onnx": "0" * 64}, keys[1])

    assert objection.startswith(f"{SIGNATURE}: is of other files, such as ONNX_HUB_MANIFEST.json,")


def test_a_signature_of_another_kind_is_refused(zoo: Path, keys: tuple[Path, Path]) -> None:
    from model_signing import hashing, signing

    shards = hashing.Config().use_shard_serialization().set_ignored_paths(paths=[SIGNATURE])
    signer = signing.Config().use_elliptic_key_signer(private_key=keys[0])
    signer.set_hashing_config(shards).sign(zoo, zoo / SIGNATURE)

    (objection,) = objections_to(zoo, keys[1])
    assert "only sha256 of whole files can be checked" in objection


def test_no_damage_passes_and_none_is_a_defect(signature: bytes, keys: tuple[Path, Path]) -> None:
    """Every way in which a file goes wrong is a finding: bits, ends, and JSON of other shapes."""
    chance = random.Random(0)  # noqa: S311 - which bits does not matter
    start = signature.index(b'"payload"') + len(b'"payload":"')
    end = signature.index(b'"', start)
    for position in chance.sample(range(start, end - 4), 60):
        damaged = bytearray(signature)
        damaged[position] ^= 1 << chance.randrange(7)
        assert check_signature(bytes(damaged), DIGESTS, keys[1])
    for position in chance.sample(range(len(signature)), 60):
        damaged = bytearray(signature)
        damaged[position] ^= 1 << chance.randrange(8)
        check_signature(bytes(damaged), DIGESTS, keys[1])  # such as a bit in an unsigned field: no exception
        assert check_signature(signature[:position], DIGESTS, keys[1])


def without(*keys: str) -> Callable[[dict[str, Any]], None]:
    def change(bundle: dict[str, Any]) -> None:
        for key in keys[:-1]:
            bundle = bundle[key]
        del bundle[keys[-1]]

    return change


def with_value(value: object, *keys: str) -> Callable[[dict[str, Any]], None]:
    def change(bundle: dict[str, Any]) -> None:
        for key in keys[:-1]:
            bundle = bundle[key]
        bundle[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        without("mediaType"),
        with_value("text/plain", "mediaType"),
        without("verificationMaterial", "publicKey", "hint"),
        without("verificationMaterial"),
        with_value([], "verificationMaterial"),
        without("dsseEnvelope"),
        without("dsseEnvelope", "signatures"),
        with_value([], "dsseEnvelope", "signatures"),
        with_value("not base64!", "dsseEnvelope", "payload"),
        with_value("e30=", "dsseEnvelope", "payload"),
        with_value({"messageDigest": {}}, "messageSignature"),
    ],
)
def test_a_bundle_of_another_shape_is_a_finding(
    signature: bytes,
    keys: tuple[Path, Path],
    change: Callable[[dict[str, Any]], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    bundle = json.loads(signature)
    change(bundle)

    assert check_signature(json.dumps(bundle).encode(), DIGESTS, keys[1])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"null", b"[" * 100_000])
def test_what_is_no_bundle_is_a_finding(keys: tuple[Path, Path], content: bytes) -> None:
    (objection,) = check_signature(content, DIGESTS, keys[1])

    assert objection == f"{SIGNATURE}: is damaged, or was not made with a key; get it again"
