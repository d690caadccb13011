"""Keys, a folder to sign, and the package's own program, for the tests of signatures."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from publishing.manifest import CHECKSUMS, read_checksums
from publishing.trust.signature import SIGNATURE, check_signature
from tests.publishing.zoos import bytes_of

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


def listed(folder: Path) -> dict[str, str]:
    """What a publisher knows of a folder without reading it."""
    text = (folder / CHECKSUMS).read_bytes()
    return {**read_checksums(text), CHECKSUMS: hashlib.sha256(text).hexdigest()}


def objections_to(folder: Path, public_key: Path) -> list[str]:
    """What a signature and a key have against the files that are there."""
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in bytes_of(folder).items()}
    return check_signature((folder / SIGNATURE).read_bytes(), digests, public_key)


def command_line(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The package's own program, in a process of its own."""
    command = [sys.executable, "-m", "model_signing", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def verified_by_command_line(folder: Path, public_key: Path) -> subprocess.CompletedProcess[str]:
    return command_line(
        "verify", "key", folder, "--signature", folder / SIGNATURE, "--public_key", public_key
    )
