"""What the keys of stages are made of: all the code that does a stage's work, and no more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from converters.catalogue import ListedModel
from converters.registry import SOURCES
from pipeline.config.schema import ModelEntry, PreprocessingChanges
from pipeline.planning import keys
from pipeline.planning.identities import model_identity
from pipeline.planning.jobs import FolderModel, NamedModel, model_in_wheel
from pipeline.planning.keys import _CODE, _PACKAGES
from tests.imports import ROOT, all_ours, files_at, ours, packages

STAGES = {
    "inputs": "pipeline/stages/export.py",
    "export": "pipeline/stages/export.py",
    "retarget": "pipeline/stages/retarget.py",
    "embed": "pipeline/stages/embedding.py",
    "batch": "pipeline/stages/static_batch.py",
    "simplify": "pipeline/stages/simplification.py",
    "parity": "pipeline/stages/parity.py",
    "quantize": "pipeline/stages/reduction.py",
    "publish": "pipeline/stages/publish.py",
}
"""The file that a reader of a stage begins with."""
BEFORE = {
    "inputs": ("inputs", "export"),  # one file makes both
    "export": ("inputs", "export"),
    "retarget": ("inputs", "export", "retarget"),
    "embed": ("inputs", "export", "embed"),
    "batch": ("inputs", "export", "batch"),
    "simplify": ("inputs", "export", "simplify"),
    "parity": ("inputs", "export", "retarget", "parity"),
    "quantize": ("inputs", "export", "retarget", "parity", "quantize", "publish"),
    "publish": ("inputs", "export", "retarget", "parity", "publish"),
}
DETERMINE_NOTHING = {
    "pipeline/errors.py": "how a stage fails",
    "pipeline/results.py": "how a unit ended",
    "pipeline/config/": "what it reads is in the keys as values",
    "pipeline/environments/": "the identity of an environment is in the keys",
    "pipeline/planning/": "it makes the keys; the opset and the seed that it fixes are in them",
    "pipeline/running/": "who runs a job",
    "pipeline/stages/failures.py": "how a stage fails",
    "pipeline/stages/model_run.py": "whom to tell, and limits",
    "pipeline/stages/units.py": "in which order units go through the stages",
    "pipeline/stages/work_folder.py": "it keeps what was made",
    "pipeline/system/": "what is fetched has its digest in the keys",
    "pipeline/terminal/": "what a person sees",
    "pipeline/workers/answers.py": "it refuses an answer, and changes none",
    "pipeline/workers/forks.py": "in which process a script is run",
    "pipeline/workers/processes.py": "limits",
}
NOT_OF_THE_RESULT = {"parity": {"caffe2"}}
"""Packages of environments of their own, which are in the key in another way."""


def _in_key(stage: str) -> set[str]:
    return {file for part in BEFORE[stage] for file in files_at(_CODE[part])}


@pytest.mark.parametrize("stage", STAGES)
def test_all_of_pipeline_that_a_stage_is_made_of_is_in_its_key(stage: str) -> None:
    used = {file for file in all_ours([STAGES[stage]]) if file.startswith("pipeline/")}
    assert used & _in_key(stage)
    left = {file for file in used if not file.startswith(tuple(DETERMINE_NOTHING))}
    assert sorted(left - _in_key(stage)) == []


def test_no_module_is_in_a_key_and_said_to_determine_nothing() -> None:
    assert [file for file in _in_key("publish") if file.startswith(tuple(DETERMINE_NOTHING))] == []
    assert [place for place in DETERMINE_NOTHING if not (ROOT / place).exists()] == []


def test_every_stage_of_a_model_is_one_of_those_with_a_key() -> None:
    orchestrated = {file for file in ours("pipeline/stages/model.py") if file.startswith("pipeline/stages/")}
    with_a_key = {*STAGES.values(), *(file for stage in STAGES for file in _in_key(stage))}
    assert (
        sorted(file for file in orchestrated - with_a_key if not file.startswith(tuple(DETERMINE_NOTHING)))
        == []
    )


def test_the_fixed_inputs_are_made_by_the_code_that_is_in_their_key() -> None:
    listed = files_at(_CODE["inputs"])
    assert "evaluation/inputs.py" in listed
    used = {file for file in all_ours(listed) if file.startswith("evaluation/")}
    # Thumbnails and the names of classes are in the keys of what has them: units, and files with metadata.
    assert used - {"evaluation/thumbnails.py", "evaluation/label_files.py"} <= listed


def test_every_place_in_a_key_is_there() -> None:
    assert [place for places in _CODE.values() for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("stage", _CODE)
def test_the_packages_that_the_code_of_a_stage_imports_are_in_its_key(stage: str) -> None:
    imported = {package for file in files_at(_CODE[stage]) for package in packages(file)}
    assert imported - NOT_OF_THE_RESULT.get(stage, set()) == set(_PACKAGES[stage])


@pytest.fixture
def another_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of our code that a test may change; the keys are computed from it."""
    for room in ("converters", "opsets", "parity", "evaluation", "publishing", "pipeline"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(keys, "_ROOMS", tmp_path)
    return tmp_path


ALL = ["inputs", "export", "retarget", "unit"]


def _chain(folder: Path) -> dict[str, str]:
    keys._tools.cache_clear()
    entry = ModelEntry(source="timm", model="vgg11")
    inputs = keys.inputs_key(SOURCES["timm"], NamedModel("vgg11"), entry, folder, None)
    export = keys.export_key(inputs, entry, folder, 12)
    retarget = keys.retarget_key(export, entry, 7, None)
    unit = keys.unit_key(retarget, entry, "timm/vgg11@7", "vgg", 7, ())
    keys._tools.cache_clear()
    return {"inputs": inputs, "export": export, "retarget": retarget, "unit": unit}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        (
            "stages/picture_preparation.py",
            '"crop_mode": "squash"',
            '"crop_mode": "center"',
            ALL,
        ),
        ("workers/sources.py", 'THREADS = "2"', 'THREADS = "1"', ALL[1:]),
        (
            "workers/sources.py",
            '"PYTHONHASHSEED": "0"',
            '"PYTHONHASHSEED": "1"',
            ALL[1:],
        ),
        ("stages/retarget.py", "job.entry.author", "job.name", ALL[2:]),
        ("stages/publish.py", "top(values, 5,", "top(values, 3,", ALL[3:]),
        ("stages/parity.py", "_THREADS = 1", "_THREADS = 2", ALL[3:]),
        ("terminal/wording.py", "kB", "KB", []),
    ],
)
def test_a_change_of_ours_changes_the_keys_of_what_it_determines(
    another_checkout: Path, file: str, old: str, new: str, changed: list[str]
) -> None:
    before, place = _chain(another_checkout), another_checkout / "pipeline" / file
    text = place.read_text()
    assert old in text
    place.write_text(text.replace(old, new))
    after = _chain(another_checkout)
    assert [stage for stage in before if before[stage] != after[stage]] == changed


def test_a_model_is_known_by_its_name_or_by_what_is_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "net.pb").write_text("a")
    before = model_identity(FolderModel(tmp_path))
    assert model_identity(NamedModel(str(tmp_path))) != before
    (tmp_path / "net.pb").write_text("b")
    assert model_identity(FolderModel(tmp_path)) != before
    wheel = {"wheel": "some==1.0", "folder": "some/model", "sha256": "ab" * 32}
    entry = ModelEntry.model_validate({"source": "paddle", "model": wheel})
    assert entry.wheel_folder
    assert model_identity(model_in_wheel(entry.wheel_folder)) == wheel


def test_preprocessing_is_in_the_key_of_the_inputs(tmp_path: Path) -> None:
    plain = ModelEntry(source="timm", model="vgg11")
    changed = plain.model_copy(update={"preprocessing": PreprocessingChanges(crop_mode="squash")})
    own = ListedModel("vgg", {"crop_mode": "center"})
    other = ListedModel("vgg", {"crop_mode": "border"})
    found = {
        keys.inputs_key(SOURCES["timm"], NamedModel("vgg11"), entry, tmp_path, listed)
        for entry, listed in ((plain, own), (changed, own), (plain, other), (plain, None))
    }
    assert len(found) == 4


def test_of_what_the_framework_lists_only_the_preprocessing_is_in_it(tmp_path: Path) -> None:
    entry, model = ModelEntry(source="timm", model="vgg11"), NamedModel("vgg11")
    listed = (ListedModel("vgg", {"resize": 256}), ListedModel("other", {"resize": 256}, 5, 20, True))
    assert len({keys.inputs_key(SOURCES["timm"], model, entry, tmp_path, some) for some in listed}) == 1


def test_the_family_that_the_framework_says_is_in_the_key_of_a_unit() -> None:
    entry = ModelEntry(source="timm", model="vgg11")
    families = ("vgg", "other")
    assert len({keys.unit_key("graph", entry, "timm/vgg11@7", family, 7, ()) for family in families}) == 2
