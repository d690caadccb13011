"""Signatures made with real keys, held against real files, and read by model-signing's own command line."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publishing.errors import PublishError
from publishing.manifest import CHECKSUMS, checksums, read_checksums
from publishing.trust.signature import SIGNATURE, check_signature, digests_of, sign_digests, verify_signature
from publishing.trust.signing_keys import PASSWORD, fingerprint

MODEL = "timm/vgg/model/vgg11-9.onnx"
FILES = {
    MODEL: b"a model",
    "timm/vgg/model/vgg11-9.tar.gz": b"its archive",
    "timm/vgg/README.md": b"a card",
    "index.html": b"a page",
    "ONNX_HUB_MANIFEST.json": b"[]",
    "pictures/café 1.jpg": b"a name that is not ASCII",
}
DIGESTS = {path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()}


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)  # noqa: S607


def make_key(folder: Path, name: str = "zoo", curve: str = "prime256v1") -> tuple[Path, Path]:
    key, public = folder / f"{name}.key", folder / f"{name}.pub"
    openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", key)
    openssl("ec", "-in", key, "-pubout", "-out", public)
    return key, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signature(keys: tuple[Path, Path]) -> bytes:
    return sign_digests(DIGESTS, keys[0])


@pytest.fixture
def zoo(tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    """A folder as it is published, signed, with the files of a run that is still going on."""
    folder = tmp_path / "zoo"
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / CHECKSUMS).write_text(checksums(DIGESTS), encoding="utf-8")
    (folder / ".lock").touch()
    (folder / ".staging/host-1").mkdir(parents=True)
    (folder / ".staging/host-1/half.onnx").write_bytes(b"half a mod")
    (folder / SIGNATURE).write_bytes(sign_digests(listed(folder), keys[0]))
    return folder


def listed(folder: Path) -> dict[str, str]:
    """What a publisher knows of a folder without reading it."""
    text = (folder / CHECKSUMS).read_bytes()
    return {**read_checksums(text), CHECKSUMS: hashlib.sha256(text).hexdigest()}


def command_line(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The package's own program, in a process of its own."""
    command = [sys.executable, "-m", "model_signing", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def verified_by_command_line(folder: Path, public_key: Path) -> subprocess.CompletedProcess[str]:
    return command_line(
        "verify", "key", folder, "--signature", folder / SIGNATURE, "--public_key", public_key
    )


def test_a_signed_folder_verifies_here_and_with_the_package_itself(
    zoo: Path, keys: tuple[Path, Path]
) -> None:
    assert verify_signature(zoo, keys[1]) == []
    ended = verified_by_command_line(zoo, keys[1])
    assert (ended.returncode, ended.stdout.strip()) == (0, "Verification succeeded"), ended.stderr


def test_a_download_without_hidden_files_in_another_folder_verifies(
    tmp_path: Path, zoo: Path, keys: tuple[Path, Path]
) -> None:
    there = tmp_path / "downloaded"
    for path in [*FILES, CHECKSUMS, SIGNATURE]:
        (there / path).parent.mkdir(parents=True, exist_ok=True)
        (there / path).write_bytes((zoo / path).read_bytes())

    assert verify_signature(there, keys[1]) == []
    assert verified_by_command_line(there, keys[1]).returncode == 0


def test_what_the_package_signs_itself_is_good_here_too(zoo: Path, keys: tuple[Path, Path]) -> None:
    file = zoo / SIGNATURE
    file.unlink()
    ended = command_line("sign", "key", zoo, "--signature", file, "--private_key", keys[0])

    assert ended.returncode == 0, ended.stderr
    assert verify_signature(zoo, keys[1]) == []


def test_the_commands_of_the_documentation_work(tmp_path: Path, zoo: Path) -> None:
    lines = (Path(__file__).parents[3] / "docs/trust.md").read_text(encoding="utf-8").splitlines()
    for line in (line for line in lines if line.startswith("openssl ")):
        subprocess.run(shlex.split(line, comments=True), cwd=tmp_path, check=True, capture_output=True)
    (zoo / SIGNATURE).write_bytes(sign_digests(listed(zoo), tmp_path / "zoo.key"))
    (check,) = (line for line in lines if line.startswith("model_signing "))

    assert verify_signature(zoo, tmp_path / "zoo.pub") == []
    ended = command_line(*shlex.split(check.replace("DIR", "zoo"))[1:], folder=tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_nothing_is_read_to_sign(keys: tuple[Path, Path], signature: bytes) -> None:
    assert check_signature(signature, DIGESTS, keys[1]) == []
    statement = json.loads(base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"]))
    assert {one["name"]: one["digest"] for one in statement["predicate"]["resources"]} == DIGESTS


def test_neither_key_nor_place_is_in_a_signature(zoo: Path, keys: tuple[Path, Path]) -> None:
    bundle = (zoo / SIGNATURE).read_text(encoding="utf-8")
    whole = bundle + base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]).decode()

    assert str(zoo.parent) not in whole
    assert not any(line in whole for line in keys[0].read_text().splitlines()[1:-1])


@pytest.mark.parametrize("path", [*FILES, CHECKSUMS])
def test_one_changed_bit_is_found_and_named(zoo: Path, keys: tuple[Path, Path], path: str) -> None:
    content = bytearray((zoo / path).read_bytes())
    content[-1] ^= 1
    (zoo / path).write_bytes(content)

    found = verify_signature(zoo, keys[1])
    assert [line.split(":")[0] for line in found] == [path]
    assert "is not what was signed" in found[0]


def test_the_package_itself_finds_a_changed_bit_too(zoo: Path, keys: tuple[Path, Path]) -> None:
    (zoo / MODEL).write_bytes(b"b model")

    ended = verified_by_command_line(zoo, keys[1])
    assert ended.returncode == 1
    assert "Hash mismatch" in ended.stderr
    assert MODEL in ended.stderr


def test_files_missing_and_added_are_named(zoo: Path, keys: tuple[Path, Path]) -> None:
    (zoo / MODEL).unlink()
    (zoo / "timm/vgg/model/other.onnx").write_bytes(b"smuggled in")

    assert verify_signature(zoo, keys[1]) == [
        "timm/vgg/model/other.onnx: is not signed; it was added later",
        f"{MODEL}: is signed, and missing",
    ]


def test_a_list_of_checksums_that_fits_a_changed_file_does_not_help(
    zoo: Path, keys: tuple[Path, Path]
) -> None:
    (zoo / MODEL).write_bytes(b"another model")
    changed = {**DIGESTS, MODEL: hashlib.sha256(b"another model").hexdigest()}
    (zoo / CHECKSUMS).write_text(checksums(changed), encoding="utf-8")

    found = verify_signature(zoo, keys[1])
    assert [line.split(":")[0] for line in found] == [CHECKSUMS, MODEL]


def test_a_folder_without_a_signature_is_not_signed(zoo: Path, keys: tuple[Path, Path]) -> None:
    (zoo / SIGNATURE).unlink()

    assert verify_signature(zoo, keys[1]) == [f"{SIGNATURE}: is not there; nobody has signed {zoo}"]


def test_another_key_is_named(tmp_path: Path, zoo: Path) -> None:
    _, public = make_key(tmp_path, "other")

    (found,) = verify_signature(zoo, public)
    assert found.startswith(f"{SIGNATURE}: was made with another key than {public}")


def test_a_signature_that_only_claims_to_be_of_the_key_does_not_hold(
    tmp_path: Path, zoo: Path, keys: tuple[Path, Path]
) -> None:
    key, _ = make_key(tmp_path, "other")
    forged = json.loads(sign_digests(listed(zoo), key))
    honest = json.loads((zoo / SIGNATURE).read_bytes())
    forged["verificationMaterial"] = honest["verificationMaterial"]
    (zoo / SIGNATURE).write_text(json.dumps(forged), encoding="utf-8")

    (found,) = verify_signature(zoo, keys[1])
    assert "does not hold: it was damaged or forged (InvalidSignature)" in found


def test_the_signature_of_another_zoo_is_told_as_such(signature: bytes, keys: tuple[Path, Path]) -> None:
    (found,) = check_signature(signature, {"resnet18-9.onnx": "0" * 64}, keys[1])

    assert found.startswith(f"{SIGNATURE}: is of other files, such as ONNX_HUB_MANIFEST.json,")


def test_a_signature_of_another_kind_is_refused(zoo: Path, keys: tuple[Path, Path]) -> None:
    from model_signing import hashing, signing

    shards = hashing.Config().use_shard_serialization().set_ignored_paths(paths=[SIGNATURE])
    signer = signing.Config().use_elliptic_key_signer(private_key=keys[0])
    signer.set_hashing_config(shards).sign(zoo, zoo / SIGNATURE)

    (found,) = verify_signature(zoo, keys[1])
    assert "only sha256 of whole files can be checked" in found


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
    (found,) = check_signature(content, DIGESTS, keys[1])

    assert found == f"{SIGNATURE}: is damaged, or was not made with a key; get it again"


def test_a_good_signature_is_kept_as_it_is(tmp_path: Path, signature: bytes, keys: tuple[Path, Path]) -> None:
    other, _ = make_key(tmp_path, "other")

    assert sign_digests(DIGESTS, keys[0]) != signature  # they differ each time
    assert sign_digests(DIGESTS, keys[0], signature) == signature
    assert sign_digests(DIGESTS, other, signature) != signature
    added = {**DIGESTS, "new.onnx": "0" * 64}
    assert check_signature(sign_digests(added, keys[0], signature), added, keys[1]) == []


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
    made = sign_digests(DIGESTS, key)

    assert check_signature(made, DIGESTS, public) == []
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


@pytest.mark.parametrize("make", [lambda file: file.symlink_to("../../../index.html"), os.mkfifo])
def test_a_link_and_a_pipe_are_refused(
    zoo: Path, keys: tuple[Path, Path], make: Callable[[Path], None]
) -> None:
    (zoo / MODEL).unlink()
    make(zoo / MODEL)

    with pytest.raises(PublishError, match=r"vgg11-9\.onnx is a link or a device"):
        verify_signature(zoo, keys[1])


def test_a_link_to_a_folder_is_refused(tmp_path: Path, zoo: Path, keys: tuple[Path, Path]) -> None:
    (zoo / "more").symlink_to(tmp_path)

    with pytest.raises(PublishError, match="more is a link"):
        verify_signature(zoo, keys[1])


def test_hidden_files_and_the_signature_are_not_covered(zoo: Path) -> None:
    assert digests_of(zoo) == listed(zoo)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="nowhere cannot be read"):
        digests_of(tmp_path / "nowhere")


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
