"""The usual clients read what is published: onnx.hub over HTTP, and onnx's test runner on its archives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import numpy_helper

from tests.loopback import served
from tests.publishing.archives import unpack
from tests.publishing.clients import ask, assert_clients_read, run_backend_tests
from tests.publishing.small_zoo import MODELS, OPSETS, publish_small_zoo

pytestmark = pytest.mark.hub_client
PATHS = {
    (model, opset): f"{model.split('/')[0]}/{family}/model/{model.split('/')[1]}-{opset}.onnx"
    for model, (family, _, _) in MODELS.items()
    for opset in OPSETS
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a published zoo."""
    folder = tmp_path_factory.mktemp("zoo")
    publish_small_zoo(folder, tmp_path_factory.mktemp("work"))
    return folder


@pytest.fixture(scope="module")
def server(zoo: Path) -> Iterator[str]:
    """The address at which the zoo can be read."""
    with served(zoo) as address:
        yield address


def _paths(answer: dict[str, Any]) -> set[str]:
    return {information["model_path"] for information in answer["value"]}


def test_every_entry_is_listed_as_the_manifest_has_it(server: str, zoo: Path, tmp_path: Path) -> None:
    [answer] = ask(server, tmp_path, ("list_models", {}))
    assert _paths(answer) == set(PATHS.values())
    manifest = json.loads((zoo / "ONNX_HUB_MANIFEST.json").read_text(encoding="utf-8"))
    assert [information["raw_model_info"] for information in answer["value"]] == manifest


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"model": "timm/small_vgg"}, ["timm/small_vgg"]),
        ({"model": "TIMM/Small_VGG"}, ["timm/small_vgg"]),
        ({"tags": ["timm"]}, ["timm/small_vgg"]),
        ({"tags": ["VGG"]}, ["timm/small_vgg", "torchvision/small_vgg"]),
        ({"tags": ["squeezenet", "torchvision"]}, ["mxnet/squeeze1.1", "torchvision/small_vgg"]),
        ({"model": "mxnet/squeeze1.1", "tags": ["vgg"]}, []),
        ({"model": "absent"}, []),
    ],
    ids=str,
)
def test_models_are_found_by_name_and_by_tags(
    server: str, tmp_path: Path, arguments: dict[str, Any], expected: list[str]
) -> None:
    [answer] = ask(server, tmp_path, ("list_models", arguments))
    assert _paths(answer) == {path for (model, _), path in PATHS.items() if model in expected}


def test_a_model_has_its_opsets_and_the_highest_by_default(server: str, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"model": "torchvision/small_vgg"}
    calls = [
        ("get_model_info", arguments),
        *(("get_model_info", {**arguments, "opset": opset}) for opset in OPSETS),
    ]
    default, *others = ask(server, tmp_path, *calls)
    assert default["value"]["opset"] == 12
    for opset, answer in zip(OPSETS, others, strict=True):
        assert answer["value"]["model_path"] == PATHS["torchvision/small_vgg", opset]
    [refused] = ask(server, tmp_path, ("get_model_info", {**arguments, "opset": 8}))
    assert "no version with opset 8. Valid opsets: " in refused["refused"]


@pytest.mark.parametrize("model", ["timm/small_vgg", "mxnet/squeeze1.1"])
def test_the_clients_read_models_of_every_ir_version(zoo: Path, model: str) -> None:
    """At opsets that list weights differently, as tests/pipeline/commands/test_default_job.py has it."""
    assert_clients_read(zoo, [PATHS[model, opset] for opset in (3, 9, 12)])


@pytest.mark.parametrize(
    ("function", "ending"), [("load", ".onnx"), ("download_model_with_test_data", ".tar.gz")]
)
def test_the_client_refuses_a_file_that_one_bit_was_changed_of(
    zoo: Path, tmp_path: Path, function: str, ending: str
) -> None:
    shutil.copytree(zoo, tmp_path / "changed")
    file = (tmp_path / "changed" / PATHS["timm/small_vgg", 9]).with_suffix(ending)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with served(tmp_path / "changed") as server:
        changed, whole = ask(
            server,
            tmp_path / "client",
            *((function, {"model": "timm/small_vgg", "opset": opset}) for opset in (9, 7)),
        )
    assert "while checksum should be" in changed["refused"]
    assert Path(whole["value"]).exists()


@pytest.mark.parametrize(("opset", "runtime"), [(6, "openvino"), (12, "onnxruntime")])
def test_the_runner_tells_test_data_that_do_not_come_out(
    zoo: Path, tmp_path: Path, opset: int, runtime: str
) -> None:
    path = zoo / PATHS["mxnet/squeeze1.1", opset]
    archives = {}
    for name in ("whole", "wrong"):
        unpack(path.with_suffix(".tar.gz"), tmp_path / name)
        archives[name] = tmp_path / name / path.stem
    output = archives["wrong"] / "test_data_set_1" / "output_0.pb"
    tensor = onnx.load_tensor(output)
    values = numpy_helper.to_array(tensor).copy()
    values[2, 3] += 0.01
    onnx.save_tensor(numpy_helper.from_array(values, tensor.name), output)
    outcomes = run_backend_tests(runtime, archives, tmp_path / "cases")
    assert outcomes["whole"] == ""
    assert "Mismatched elements: 1 / 30" in outcomes["wrong"]
