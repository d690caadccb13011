"""Which keys sign and check, and what is said of the others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from publishing.errors import PublishError
from publishing.trust.signature import check_signature, sign_digests
from publishing.trust.signing_keys import PASSWORD, fingerprint
from tests.publishing.trust.signing import (
    DIGESTS,
    make_key,
    openssl,
)


@pytest.mark.parametrize("curve", ["secp384r1", "secp521r1"])
def test_longer_keys_sign_too(tmp_path: Path, curve: str) -> None:
    key, public = make_key(tmp_path, curve=curve)

    assert check_signature(sign_digests(DIGESTS, key), DIGESTS, public) == []


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
def test_an_encrypted_key_takes_its_password_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    plain, public = make_key(tmp_path)
    key = tmp_path / "encrypted.key"
    words = ("pkcs8", "-topk8") if form == "pkcs8" else ("ec", "-aes256")
    openssl(*words, "-in", plain, "-out", key, "-passout", "pass:correct horse")

    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(PublishError, match=rf"is encrypted: put its password into {PASSWORD}"):
        sign_digests(DIGESTS, key)
    monkeypatch.setenv(PASSWORD, "wrong horse")
    with pytest.raises(PublishError, match=r"and not with the password in") as caught:
        sign_digests(DIGESTS, key)
    assert "horse" not in str(caught.value)
    monkeypatch.setenv(PASSWORD, "correct horse")
    signature = sign_digests(DIGESTS, key)

    assert check_signature(signature, DIGESTS, public) == []
    assert (
        check_signature(sign_digests(DIGESTS, plain), DIGESTS, public) == []
    )  # needs none, and asks for none
    assert capfd.readouterr() == ("", "")


def test_keys_that_cannot_sign_are_refused_with_the_way_to_one(
    tmp_path: Path, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "set, and not asked for")
    koblitz, _ = make_key(tmp_path, "koblitz", "secp256k1")
    rsa, text, broken = tmp_path / "rsa.key", tmp_path / "notes.txt", tmp_path / "broken.key"
    openssl("genrsa", "-out", rsa, "2048")
    text.write_text("my key is under the mat")
    broken.write_text(keys[0].read_text().replace("\nM", "\nN", 1))

    for key, message in (
        (tmp_path / "none.key", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (text, "is no private key in PEM form; `openssl ecparam"),
        (broken, "is no private key in PEM form"),
        (keys[1], "is no private key in PEM form"),
        (rsa, "is not of a curve that signs a zoo: secp256r1"),
        (koblitz, "is not of a curve that signs a zoo: secp256r1"),
    ):
        with pytest.raises(PublishError, match=message):
            sign_digests(DIGESTS, key)


def test_keys_that_cannot_check_are_refused_with_the_way_to_one(
    tmp_path: Path, keys: tuple[Path, Path], signature: bytes
) -> None:
    rsa, rsa_public, text = tmp_path / "rsa.key", tmp_path / "rsa.pub", tmp_path / "notes.txt"
    openssl("genrsa", "-out", rsa, "2048")
    openssl("rsa", "-in", rsa, "-pubout", "-out", rsa_public)
    text.write_text("my key is under the mat")

    for key, message in (
        (tmp_path / "none.pub", "cannot be read: No such file"),
        (text, "is no public key in PEM form; `openssl ec -in"),
        (keys[0], "is a private key, to be kept secret"),
        (rsa_public, "is not of a curve that signs a zoo"),
    ):
        with pytest.raises(PublishError, match=message):
            check_signature(signature, DIGESTS, key)


def test_what_is_missing_can_be_installed(monkeypatch: pytest.MonkeyPatch, keys: tuple[Path, Path]) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "model_signing"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "model_signing", None)

    with pytest.raises(PublishError, match=r"pip install 'onnx-zoo-pipeline\[sign\]'"):
        sign_digests(DIGESTS, keys[0])
    with pytest.raises(PublishError, match=r"pip install 'onnx-zoo-pipeline\[sign\]'"):
        check_signature(b"", DIGESTS, keys[1])
    with pytest.raises(PublishError, match=r"pip install 'onnx-zoo-pipeline\[sign\]'"):
        fingerprint(keys[1])
