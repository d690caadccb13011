"""Files whose weights stay on disk: the same bytes again, and a clear word for what cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from opsets import RetargetError
from opsets.files.external import is_external, tensors
from opsets.files.inner_references import load_inner_references
from opsets.files.storage import read_graph, write
from opsets.files.wire import header

SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _weight(name: str = "", seed: int = 0, side: int = 32) -> onnx.TensorProto:
    array = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    return numpy_helper.from_array(array, name)


def _model(*weights: onnx.TensorProto, nodes: tuple[onnx.NodeProto, ...] = ()) -> onnx.ModelProto:
    """A chain of matrix products with ``weights``, which end the file, as nothing stands behind it."""
    last, chain = "x", list(nodes)
    for index, weight in enumerate(weights):
        chain.append(helper.make_node("MatMul", [last, weight.name], [f"y{index}"], f"product{index}"))
        last = f"y{index}"
    shape: list[str | int | None] = ["N", 32]
    graph = helper.make_graph(
        chain,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)],
        weights,
    )
    return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 12)])


def _model_with_weights_everywhere() -> onnx.ModelProto:
    """Weights in initialisers, a Constant, an initialiser and a Constant in subgraphs, and an output."""
    square = [32, 32]
    out = helper.make_tensor_value_info("a", TensorProto.FLOAT, square)
    inner = helper.make_node("Constant", [], ["c"], value=_weight(seed=1))
    yes = helper.make_graph([inner, helper.make_node("Neg", ["c"], ["a"])], "yes", [], [out])
    no = helper.make_graph(
        [], "no", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, square)], [_weight("b", 2)]
    )
    nodes = (
        helper.make_node("Constant", [], ["flag"], value=numpy_helper.from_array(np.array(True))),
        helper.make_node("If", ["flag"], ["chosen"], then_branch=yes, else_branch=no),
        helper.make_node("Constant", [], ["constant"], value=_weight(seed=3)),
        helper.make_node("Add", ["chosen", "constant"], ["sum"]),
    )
    model = _model(_weight("w0", 4), _weight("w1", 5), nodes=nodes)
    for name in ("sum", "constant"):
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, square))
    onnx.checker.check_model(model, full_check=True)
    return model


def _bytes(model: onnx.ModelProto | onnx.GraphProto) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def _saved(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(_bytes(model))
    return path


def _with_data_beside(folder: Path) -> tuple[onnx.ModelProto, Path]:
    """A model, and a file of it that has its data in ``weights/data``."""
    model, path = _model(_weight("w0"), _weight("w1", 1)), folder / "model.onnx"
    (folder / "weights").mkdir(parents=True)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.save(copy, path, save_as_external_data=True, location="weights/data", size_threshold=0)
    return model, path


def test_weights_stay_on_disk_wherever_they_are_and_come_back_byte_for_byte(tmp_path: Path) -> None:
    model = _model_with_weights_everywhere()
    source = _saved(model, tmp_path / "model.onnx")
    found = read_graph(source)
    assert sum(is_external(tensor) for tensor in tensors(found)) == 5
    assert found.ByteSize() < 3000
    write(found, tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == source.read_bytes()


@SETTINGS
@given(sides=st.lists(st.integers(1, 24), max_size=5), document=st.text(max_size=5000))
def test_any_mixture_of_sizes_comes_back(tmp_path: Path, sides: list[int], document: str) -> None:
    model = _model(*(_weight(f"w{index}", index, side) for index, side in enumerate(sides)))
    model.graph.doc_string = document
    for tensor in model.graph.initializer:
        tensor.doc_string = document[:20]  # fields before and behind the data
    source = _saved(model, tmp_path / "model.onnx")
    found = read_graph(source)
    large = [side for side in sides if side * side * 4 >= 1024]
    assert sum(is_external(tensor) for tensor in tensors(found)) == len(large)
    write(found, tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == source.read_bytes()


def test_a_graph_of_references_computes_and_comes_back(tmp_path: Path) -> None:
    model = _model(_weight("w0"), _weight("w1", 1))
    graph = ir.from_proto(read_graph(_saved(model, tmp_path / "model.onnx")))
    array = graph.graph.initializers["w1"].const_value
    assert isinstance(array, ir.ExternalTensor)
    np.testing.assert_array_equal(array.numpy(), numpy_helper.to_array(_weight("w1", 1)))
    write(ir.to_proto(graph), tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == _bytes(ir.to_proto(ir.from_proto(model)))


def test_references_that_the_checker_would_refuse_are_loaded(tmp_path: Path) -> None:
    graph = ir.from_proto(read_graph(_saved(_model_with_weights_everywhere(), tmp_path / "model.onnx")))
    load_inner_references(graph)
    left = [tensor.name for tensor in tensors(ir.to_proto(graph)) if is_external(tensor)]
    assert left == ["w0", "w1"]
    write(ir.to_proto(graph), tmp_path / "out.onnx")
    held = ir.to_proto(ir.from_proto(_model_with_weights_everywhere()))
    assert (tmp_path / "out.onnx").read_bytes() == _bytes(held)


def test_a_model_that_is_held_in_memory_can_be_written(tmp_path: Path) -> None:
    model = _model_with_weights_everywhere()
    write(model, tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == _bytes(model)


def test_data_beside_the_model_moves_into_it(tmp_path: Path) -> None:
    model, path = _with_data_beside(tmp_path)
    write(read_graph(path), tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == _bytes(model)


def test_what_is_larger_than_a_file_may_be_has_its_weights_beside_it(tmp_path: Path) -> None:
    model = _model_with_weights_everywhere()
    found = read_graph(_saved(model, tmp_path / "model.onnx"))
    out = tmp_path / "out" / "big.onnx"
    out.parent.mkdir()
    whole = len(_bytes(model))
    write(found, out, largest=whole)
    assert list(out.parent.iterdir()) == [out]
    write(found, out, largest=whole - 1)
    assert sorted(out.parent.iterdir()) == [out, out.with_name("big.onnx.data")]
    assert out.stat().st_size < 3000
    for tensor in tensors(onnx.load(out, load_external_data=False)):
        if is_external(tensor):
            entries = {entry.key: entry.value for entry in tensor.external_data}
            assert entries["location"] == "big.onnx.data"
            assert int(entries["offset"]) % 4096 == 0
    loaded = onnx.load(out)
    for mine, theirs in zip(tensors(loaded), tensors(model), strict=True):
        assert mine.raw_data == theirs.raw_data
    onnx.checker.check_model(out)
    write(read_graph(out), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == _bytes(model)


def test_a_link_to_the_model_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    source = _saved(_model(_weight("w0")), tmp_path / "kept" / "blob")
    (tmp_path / "model.onnx").symlink_to(source)
    write(read_graph(tmp_path / "model.onnx"), tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == source.read_bytes()


@SETTINGS
@given(share=st.floats(0, 1, exclude_max=True))
def test_no_beginning_of_a_file_is_a_model(tmp_path: Path, share: float) -> None:
    whole = _bytes(_model_with_weights_everywhere())
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(RetargetError, match=r"cannot read .*cut\.onnx: "):
        read_graph(cut)


def test_every_cut_near_a_boundary_is_found(tmp_path: Path) -> None:
    whole = _bytes(_model(_weight("w0"), _weight("w1")))
    begin = whole.index(_weight("w0").raw_data)
    positions = {*range(begin + 5), *range(begin + 4090, begin + 4130), *range(len(whole) - 60, len(whole))}
    cut = tmp_path / "cut.onnx"
    for position in positions:
        cut.write_bytes(whole[:position])
        with pytest.raises(RetargetError, match=r"cannot read .*cut\.onnx: "):
            read_graph(cut)


@SETTINGS
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_random_bytes_are_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(content)
    with pytest.raises(RetargetError, match=r"cannot read .*noise\.onnx: "):
        read_graph(path)


@SETTINGS
@given(position=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_a_damaged_byte_gives_a_model_or_one_clear_error(tmp_path: Path, position: int, byte: int) -> None:
    content = bytearray(_bytes(_model_with_weights_everywhere()))
    content[position % len(content)] = byte
    path = tmp_path / "damaged.onnx"
    path.write_bytes(content)
    try:
        write(read_graph(path), tmp_path / "out.onnx")
    except RetargetError as error:
        assert "damaged.onnx" in str(error)  # noqa: PT017 - either way is right


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x1f\x8b\x08\x00" + bytes(40), "a gzip archive; unpack it first"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b'{"model": "resnet"}\n', "not an ONNX model"),
        (b"\x08\x07\x3a\xff\xff\x03", "is cut off: the field at byte 2 needs"),
        (b"# weights\n\nresnet18 is here\n", "not an ONNX model"),
    ],
)
def test_other_files_are_named_as_what_they_are(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(RetargetError, match=reason):
        read_graph(path)


def test_what_is_not_there_or_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, reason in {"missing": "No such file", ".": "it is a folder", "pipe": "not a regular"}.items():
        with pytest.raises(RetargetError, match=reason):
            read_graph(tmp_path / name)


def test_a_path_that_no_reference_can_hold_is_named(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    with pytest.raises(RetargetError, match="UTF-8 only"):
        read_graph(_saved(_model(_weight("w0")), folder / "model.onnx"))


def test_messages_inside_messages_end_somewhere(tmp_path: Path) -> None:
    content = _bytes(_model(_weight("w0")).graph)
    for number in (6, 5, 1) * 40:  # a graph in an attribute of a node of a graph
        content = header(number, len(content)) + content
    path = tmp_path / "model.onnx"
    path.write_bytes(header(7, len(content)) + content)
    with pytest.raises(RetargetError, match="stand inside each other"):
        read_graph(path)


def _set(tensor: onnx.TensorProto, key: str, value: str | None) -> None:
    kept = [entry for entry in tensor.external_data if entry.key != key]
    del tensor.external_data[:]
    tensor.external_data.extend(kept)
    if value is not None:
        tensor.external_data.add(key=key, value=value)


def _absolute(folder: Path, tensor: onnx.TensorProto) -> None:
    _set(tensor, "location", str(folder / "model" / "weights" / "data"))


def _upwards(folder: Path, tensor: onnx.TensorProto) -> None:
    (folder / "outside").write_bytes(bytes(10000))
    _set(tensor, "location", "weights/../../outside")


def _link(folder: Path, _tensor: onnx.TensorProto) -> None:
    data = folder / "model" / "weights" / "data"
    data.rename(folder / "outside")
    data.symlink_to(folder / "outside")


def _link_between(folder: Path, _tensor: onnx.TensorProto) -> None:
    (folder / "model" / "weights").rename(folder / "outside")
    (folder / "model" / "weights").symlink_to(folder / "outside")


def _missing(folder: Path, _tensor: onnx.TensorProto) -> None:
    (folder / "model" / "weights" / "data").unlink()


def _short(folder: Path, _tensor: onnx.TensorProto) -> None:
    os.truncate(folder / "model" / "weights" / "data", 5000)


def _pipe(folder: Path, tensor: onnx.TensorProto) -> None:
    _missing(folder, tensor)
    os.mkfifo(folder / "model" / "weights" / "data")


BAD_REFERENCES: list[tuple[Callable[[Path, onnx.TensorProto], None], str]] = [
    (_absolute, "not inside the folder"),
    (_upwards, "not inside the folder"),
    (_link, "symbolic link"),
    (_link_between, "symbolic link"),
    (_missing, "is missing; put this file beside"),
    (_short, "is cut off"),
    (_pipe, "not a regular file"),
    (lambda _, tensor: _set(tensor, "location", None), "not inside the folder"),
    (lambda _, tensor: _set(tensor, "location", "weights"), "not a regular file"),
    (lambda _, tensor: _set(tensor, "location", "weights/data/deeper"), "cannot be read"),
    (lambda _, tensor: _set(tensor, "location", "weights/\0"), "cannot be read"),
    (lambda _, tensor: _set(tensor, "offset", "-4"), "negative offset"),
    (lambda _, tensor: _set(tensor, "offset", "four"), "not a number"),
    (lambda _, tensor: _set(tensor, "length", "4092"), "has 4092 bytes, .* ask for 4096"),
    (lambda _, tensor: tensor.dims.append(2), "has 4096 bytes, .* ask for 8192"),
    (lambda _, tensor: setattr(tensor, "data_type", TensorProto.STRING), "no raw bytes"),
    (lambda _, tensor: setattr(tensor, "data_type", 99), "no raw bytes"),
    (lambda _, tensor: setattr(tensor, "raw_data", bytes(4096)), "both in the model and beside it"),
]


@pytest.mark.parametrize(("damage", "reason"), BAD_REFERENCES)
def test_data_from_elsewhere_is_refused(
    tmp_path: Path, damage: Callable[[Path, onnx.TensorProto], None], reason: str
) -> None:
    _, path = _with_data_beside(tmp_path / "model")
    model = onnx.load(path, load_external_data=False)
    damage(tmp_path, model.graph.initializer[1])
    _saved(model, path)
    with pytest.raises(RetargetError, match=reason) as caught:
        read_graph(path)
    assert str(caught.value).startswith(f"cannot read {path}: ")
    assert "w1" in str(caught.value) or "w0" in str(caught.value)


def test_a_reference_without_length_and_offset_has_that_of_its_shape(tmp_path: Path) -> None:
    model, path = _with_data_beside(tmp_path)
    changed = onnx.load(path, load_external_data=False)
    _set(changed.graph.initializer[0], "offset", None)
    _set(changed.graph.initializer[0], "length", None)
    write(read_graph(_saved(changed, path)), tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == _bytes(model)


def test_data_that_goes_away_while_the_model_is_used_leaves_nothing_behind(tmp_path: Path) -> None:
    source = _saved(_model(_weight("w0")), tmp_path / "model.onnx")
    found = read_graph(source)
    os.truncate(source, 1000)
    with pytest.raises(RetargetError, match="has become shorter"):
        write(found, tmp_path / "out.onnx")
    source.unlink()
    with pytest.raises(RetargetError, match=r"cannot read .*model\.onnx any more"):
        write(found, tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(_model(_weight("w0")), tmp_path / "missing" / "out.onnx")
