"""A signed zoo verified with a key: what nobody signed is told, though every list agrees with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.commands.verify import verify_places
from pipeline.errors import UsageError
from publishing.trust.signature import SIGNATURE, sign_digests
from tests.publishing import verified_zoo
from tests.publishing.trust.signing import make_key

pytestmark = pytest.mark.slow

UNIT = "timm/small/model/tiny-12"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def zoo(tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    """A signed zoo, below the folder that ``server`` serves."""
    folder = tmp_path / "served" / "zoo"
    folder.parent.mkdir(exist_ok=True)
    verified_zoo.make(folder, tmp_path, (12,), lambda digests, _: sign_digests(digests, keys[0]))
    return folder


def verified(
    capsys: pytest.CaptureFixture[str], place: Path | str, key: Path | None, digests_only: bool = True
) -> tuple[bool, list[str]]:
    well = verify_places([str(place)], key, digests_only)
    return well, capsys.readouterr().out.splitlines()


def test_a_good_signature_holds(
    zoo: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    well, lines = verified(capsys, zoo, keys[1], digests_only=False)
    assert well
    assert lines[-2:] == ["  the signature holds", "All is well."]
    well, lines = verified(capsys, zoo, None)
    assert well
    assert lines[-2:] == [
        f"  note: {SIGNATURE} was not checked: give --public-key KEY",
        "All digests are right; no model was looked into.",
    ]


def test_a_served_signature_is_checked(
    server: tuple[Path, str], zoo: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    well, lines = verified(capsys, f"{server[1]}/zoo", keys[1])
    assert well, lines
    assert "  the signature holds" in lines
    (zoo / SIGNATURE).unlink()
    well, lines = verified(capsys, f"{server[1]}/zoo", keys[1])
    assert not well
    assert lines[-2] == f"{SIGNATURE}: is missing: nobody has signed this zoo"


def test_what_was_changed_together_with_all_lists_is_told(
    zoo: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    signature = (zoo / SIGNATURE).read_bytes()
    content = verified_zoo.network(12, 2 * verified_zoo.KERNEL).SerializeToString()
    (zoo / f"{UNIT}.onnx").write_bytes(content)
    verified_zoo.list_again(zoo, 12)
    (zoo / SIGNATURE).write_bytes(signature)
    assert verified(capsys, zoo, None)[0]
    well, lines = verified(capsys, zoo, keys[1])
    assert not well
    assert any(line.startswith(f"{UNIT}.onnx: is not what was signed: its sha256 is ") for line in lines)
    changed = {line.split(":")[0] for line in lines if "is not what was signed" in line}
    assert changed == {"ONNX_HUB_MANIFEST.json", "SHA256SUMS", f"{UNIT}.onnx", f"{UNIT}.record.json"}


def test_another_key_and_a_damaged_signature_are_told(
    zoo: Path, keys: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, other = make_key(tmp_path, "other")
    well, lines = verified(capsys, zoo, other)
    assert not well
    assert lines[-2].startswith(f"{SIGNATURE}: was made with another key than {other}")
    (zoo / SIGNATURE).write_bytes((zoo / SIGNATURE).read_bytes()[:-40])
    well, lines = verified(capsys, zoo, keys[1])
    assert not well
    assert lines[-2].startswith(f"{SIGNATURE}: is damaged")


def test_a_file_with_one_finding_is_named_once(
    zoo: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (zoo / "README.md").unlink()
    assert verified(capsys, zoo, keys[1])[1][-2:] == [
        "README.md: is missing",
        "1 file is not as published.",
    ]


def test_what_cannot_be_asked_is_told(
    zoo: Path, keys: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="a signature is over a whole zoo; name its folder or URL"):
        verified(capsys, zoo / f"{UNIT}.onnx", keys[1])
    with pytest.raises(UsageError, match=r"--public-key: .* is a private key"):
        verified(capsys, zoo, keys[0])
    with pytest.raises(UsageError, match=r"--public-key: the key .* cannot be read: No such file"):
        verified(capsys, zoo, tmp_path / "absent.pub")
