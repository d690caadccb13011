"""A key, what it signed, and a signed folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from publishing.manifest import CHECKSUMS, checksums
from publishing.trust.signature import SIGNATURE, sign_digests
from tests.publishing.trust.signing import DIGESTS, FILES, listed, make_key


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
