"""What Git LFS leaves in the place of a file is told in the same words for every kind of file."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsets.files.storage import NO_MODELS
from pipeline.errors import PipelineError
from publishing.manifest import CHECKSUMS, MANIFEST
from tests.pipeline.verify.verifying import UNIT, Verify, make_zoo

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{64 * '0'}\nsize 12345\n"
WORDS = "cannot be read: it is a Git LFS pointer; fetch the file itself with `git lfs pull`"


@pytest.mark.parametrize("ending", ["onnx", "tar.gz", "record.json", "cdx.json"])
def test_a_pointer_of_git_is_told_whatever_it_stands_for(
    ending: str, verified: Verify, tmp_path: Path
) -> None:
    zoo = make_zoo(tmp_path)
    (zoo / f"{UNIT}.{ending}").write_text(POINTER)
    for digests_only in (False, True):
        well, lines = verified(zoo, digests_only=digests_only)
        assert not well
        assert lines[-2:] == [f"{UNIT}.{ending}: {WORDS}", "1 file is not as published."]
    if ending in ("onnx", "tar.gz"):
        (zoo / f"{UNIT}.record.json").unlink()
        assert f"tiny-12.{ending}: {WORDS}" in verified(zoo / f"{UNIT}.{ending}")[1]
        assert WORDS.removeprefix("cannot be read: ") in NO_MODELS.values()  # retarget says the same


def test_a_pointer_of_git_in_the_place_of_a_list_is_told(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    (zoo / MANIFEST).write_text(POINTER)
    assert f"{MANIFEST}: {WORDS}" in verified(zoo, digests_only=True)[1]
    (zoo / CHECKSUMS).write_text(POINTER)
    with pytest.raises(PipelineError, match=r"zoo cannot be read: it is a Git LFS pointer; .* lfs pull`\.$"):
        verified(zoo)
