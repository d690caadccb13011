"""One model or one archive verified, and what could not be checked of it: that is said, and is no success."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.errors import UsageError
from publishing.archive import DataSet
from tests.pipeline.verify.verifying import FOLDER, UNIT, Verify, make_zoo, with_model
from tests.publishing import verified_zoo

pytestmark = pytest.mark.slow


def test_single_files_are_verified_by_the_record_beside_them(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    well, lines = verified(zoo / f"{UNIT}.tar.gz")
    assert well
    assert "came out right in onnxruntime" in lines[1]
    well, lines = verified(zoo / f"{UNIT}.onnx")
    assert well
    assert lines[0].startswith(f"{zoo / UNIT}.onnx: 2 files, ")
    assert lines[1].startswith("  the test data of 1 model came out right in onnxruntime 1.")
    well, lines = verified(zoo / f"{UNIT}.onnx", digests_only=True)
    assert well
    assert lines[1:] == ["All digests are right; no model was looked into."]
    (zoo / f"{UNIT}.onnx").write_bytes((zoo / f"{UNIT}.onnx").read_bytes()[:-1])
    well, lines = verified(zoo / f"{UNIT}.onnx")
    assert not well
    assert lines[-2].startswith("tiny-12.onnx: is cut short: ")


def test_a_model_without_test_data_is_not_verified(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    (zoo / f"{UNIT}.tar.gz").unlink()
    summary = "Nothing is known to be wrong, but not all was checked: 1 file not verified."
    missing = "tiny-12.onnx: has no test data: there is no tiny-12.tar.gz beside it, and nothing was run"
    well, lines = verified(zoo / f"{UNIT}.onnx")
    assert not well
    assert lines[1:] == [missing, summary]
    assert verified(zoo / f"{UNIT}.onnx", digests_only=True)[0]
    (zoo / f"{UNIT}.record.json").unlink()
    compared = "no tiny-12.record.json lies beside it: its digest was compared with nothing"
    well, lines = verified(zoo / f"{UNIT}.onnx")
    assert not well
    assert lines[1:] == [f"  note: {compared}", missing, summary]
    well, lines = verified(zoo / f"{UNIT}.onnx", digests_only=True)
    assert not well
    assert lines[1:] == [f"tiny-12.onnx: {compared}", summary]


def test_a_model_is_held_against_the_archive_beside_it(verified: Verify, tmp_path: Path) -> None:
    zoo = make_zoo(tmp_path)
    (zoo / f"{UNIT}.record.json").unlink()
    assert verified(zoo / f"{UNIT}.onnx")[0]
    onnx.save(verified_zoo.network(12, 2 * verified_zoo.KERNEL), zoo / f"{UNIT}.onnx")
    well, lines = verified(zoo / f"{UNIT}.onnx")
    assert not well
    assert lines[-2].startswith("tiny-12.tar.gz: holds another model than tiny-12.onnx: its sha256 is ")


def test_a_single_served_file_is_verified(verified: Verify, tmp_path: Path, server: tuple[Path, str]) -> None:
    folder, address = server
    verified_zoo.make(folder, tmp_path, (12,))
    well, lines = verified(f"{address}/{UNIT}.tar.gz")
    assert well, lines
    with pytest.raises(UsageError, match=r"x-7\.tar\.gz: there is no such file"):
        verified(f"{address}/{FOLDER}/x-7.tar.gz")


def test_the_bound_of_the_error_can_be_given(verified: Verify, tmp_path: Path) -> None:
    wrong = [
        DataSet(item.inputs, [np.multiply(item.outputs[0], 1.001, dtype=np.float32)])
        for item in verified_zoo.data_sets()
    ]
    zoo = with_model(tmp_path, verified_zoo.network(12), 12, wrong)
    assert not verified(zoo)[0]
    assert verified(zoo, relative=1e-2)[0]
    for relative in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match=r"--relative: .* must be above 0 and below 1"):
            verified(zoo, relative=relative)
    with pytest.raises(UsageError, match="--digests-only runs none"):
        verified(zoo, relative=1e-2, digests_only=True)
