"""Signatures made with real keys, held against real files, and read by model-signing's own command line."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from publishing.manifest import CHECKSUMS, checksums
from publishing.trust.signature import SIGNATURE, check_signature, sign_digests
from tests.publishing.trust.signing import (
    DIGESTS,
    FILES,
    MODEL,
    command_line,
    listed,
    make_key,
    objections_to,
    verified_by_command_line,
)


def test_a_signed_folder_verifies_here_and_with_the_package_itself(
    zoo: Path, keys: tuple[Path, Path]
) -> None:
    assert objections_to(zoo, keys[1]) == []
    ended = verified_by_command_line(zoo, keys[1])
    assert (ended.returncode, ended.stdout.strip()) == (0, "Verification succeeded"), ended.stderr


def test_a_download_without_hidden_files_in_another_folder_verifies(
    tmp_path: Path, zoo: Path, keys: tuple[Path, Path]
) -> None:
    downloaded = tmp_path / "downloaded"
    for path in [*FILES, CHECKSUMS, SIGNATURE]:
        (downloaded / path).parent.mkdir(parents=True, exist_ok=True)
        (downloaded / path).write_bytes((zoo / path).read_bytes())

    assert objections_to(downloaded, keys[1]) == []
    assert verified_by_command_line(downloaded, keys[1]).returncode == 0


def test_what_the_package_signs_itself_is_good_here_too(zoo: Path, keys: tuple[Path, Path]) -> None:
    file = zoo / SIGNATURE
    file.unlink()
    ended = command_line("sign", "key", zoo, "--signature", file, "--private_key", keys[0])

    assert ended.returncode == 0, ended.stderr
    assert objections_to(zoo, keys[1]) == []


def test_the_commands_of_the_documentation_work(tmp_path: Path, zoo: Path) -> None:
    lines = (Path(__file__).parents[3] / "docs/trust.md").read_text(encoding="utf-8").splitlines()
    for line in (line for line in lines if line.startswith("openssl ")):
        subprocess.run(shlex.split(line, comments=True), cwd=tmp_path, check=True, capture_output=True)
    (zoo / SIGNATURE).write_bytes(sign_digests(listed(zoo), tmp_path / "zoo.key"))
    (check,) = (line for line in lines if line.startswith("model_signing "))

    assert objections_to(zoo, tmp_path / "zoo.pub") == []
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

    objections = objections_to(zoo, keys[1])
    assert [line.split(":")[0] for line in objections] == [path]
    assert "is not what was signed" in objections[0]


def test_the_package_itself_finds_a_changed_bit_too(zoo: Path, keys: tuple[Path, Path]) -> None:
    (zoo / MODEL).write_bytes(b"b model")

    ended = verified_by_command_line(zoo, keys[1])
    assert ended.returncode == 1
    assert "Hash mismatch" in ended.stderr
    assert MODEL in ended.stderr


def test_files_missing_and_added_are_named(zoo: Path, keys: tuple[Path, Path]) -> None:
    (zoo / MODEL).unlink()
    (zoo / "timm/vgg/model/other.onnx").write_bytes(b"smuggled in")

    assert objections_to(zoo, keys[1]) == [
        "timm/vgg/model/other.onnx: is not signed; it was added later",
        f"{MODEL}: is signed, and missing",
    ]


def test_a_list_of_checksums_that_fits_a_changed_file_does_not_help(
    zoo: Path, keys: tuple[Path, Path]
) -> None:
    (zoo / MODEL).write_bytes(b"another model")
    changed = {**DIGESTS, MODEL: hashlib.sha256(b"another model").hexdigest()}
    (zoo / CHECKSUMS).write_text(checksums(changed), encoding="utf-8")

    objections = objections_to(zoo, keys[1])
    assert [line.split(":")[0] for line in objections] == [CHECKSUMS, MODEL]


def test_a_good_signature_is_kept_as_it_is(tmp_path: Path, signature: bytes, keys: tuple[Path, Path]) -> None:
    other, _ = make_key(tmp_path, "other")

    assert sign_digests(DIGESTS, keys[0]) != signature  # they differ each time
    assert sign_digests(DIGESTS, keys[0], signature) == signature
    assert sign_digests(DIGESTS, other, signature) != signature
    added = {**DIGESTS, "new.onnx": "0" * 64}
    assert check_signature(sign_digests(added, keys[0], signature), added, keys[1]) == []


def test_hidden_files_and_the_signature_are_not_covered(zoo: Path, keys: tuple[Path, Path]) -> None:
    signature, digests = (zoo / SIGNATURE).read_bytes(), listed(zoo)
    others = {SIGNATURE: "0" * 64, ".lock": "0" * 64, ".staging/host-1/half.onnx": "0" * 64}
    assert check_signature(signature, digests | others, keys[1]) == []
