"""Files of torch.save whose pickles name other things than tensors: read, and nothing of it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.converters.hostile import (
    archive_of,
    build,
    call,
    many,
    mapping,
    named,
    new,
    number,
    program,
    runs,
    tensor,
    text,
)

NONE = b"N"
SETITEMS, APPENDS, ADDITEMS = b"u", b"e", b"\x90"


@pytest.fixture(scope="module")
def files(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("pytorch_files")


@pytest.fixture(scope="module")
def pickles(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("pytorch_pickles")


def _read(files: Any, folder: Path, value: bytes) -> Any:
    """What ``value`` is read as, beside a tensor of four numbers."""
    saved = program(mapping(w=tensor(4), other=value), protocol=4)
    contents = files.read(str(archive_of(folder / "w.pth", saved, _0=bytes(16)))).saved
    assert contents["w"].shape == (4,)
    return contents["other"]


class Harmful:
    """A class that a file could name, since it can be imported."""

    def __init__(self, *_: Any) -> None:
        raise AssertionError("it was made")

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("it was told its state")


OURS = named(__name__, "Harmful")
STATE = mapping(epochs=number(3))
OTHERS = {
    "a namespace with a state": build(new(named("argparse", "Namespace")), STATE),
    "a class of this process": new(OURS, number(1)),
    "a class that is told its state": build(new(OURS), STATE),
    "a class as protocol 1 makes it": b"(i" + __name__.encode() + b"\nHarmful\n",
    "a class as protocol 0 makes it": b"(" + OURS + b"o",
    "a class with keywords": OURS + many() + mapping(a=number(1)) + b"\x92",
    "a call": call(OURS, number(1)),
    "a call of what a call has made": call(call(named("builtins", "getattr"), OURS, text("mro"))),
    "a number of numpy's": call(
        named("numpy._core.multiarray", "scalar"),
        call(named("numpy", "dtype"), text("f8")),
        b"B\x08\0\0\0" + bytes(8),
    ),
    "a path": call(named("pathlib", "PosixPath"), text("/"), text("etc")),
    "a dict of another class": new(OURS) + b"(" + text("a") + number(1) + SETITEMS,
    "a list of another class": new(OURS) + b"(" + number(1) + number(2) + APPENDS,
    "a set of another class": new(OURS) + b"(" + number(1) + ADDITEMS,
}


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS)
def test_what_is_no_tensor_is_a_record_and_does_nothing(
    files: Any, pickles: Any, tmp_path: Path, value: bytes
) -> None:
    assert isinstance(_read(files, tmp_path, value), pickles.Record)


def test_a_record_keeps_what_it_was_told(files: Any, tmp_path: Path) -> None:
    record = _read(files, tmp_path, build(new(OURS) + b"(" + text("a") + number(1) + SETITEMS, STATE))
    assert (record.name, record.items, record.state) == (f"{__name__}.Harmful", {"a": 1}, {"epochs": 3})


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("posix", "system"),
        ("os", "popen"),
        ("subprocess", "Popen"),
        ("builtins", "exec"),
        ("__builtin__", "eval"),
        ("runpy", "run_path"),
    ],
)
def test_what_runs_code_wherever_it_is_loaded_is_told_by_its_name(
    files: Any, tmp_path: Path, module: str, name: str
) -> None:
    """A record of it would do no harm here; the next who loads the file would not be told."""
    ran = tmp_path / "ran"
    for value in (call(named(module, name), text(f"touch {ran}")), named(module, name)):
        with pytest.raises(files.TaskError, match=rf"w\.pth holds {module}\.{name}, .*Nothing was run here"):
            _read(files, tmp_path, value)
    assert not ran.exists()


def test_a_module_whose_class_runs_code(files: Any, tmp_path: Path) -> None:
    """A pickled network, of which one part is no module but a call."""
    module = build(
        new(named("torch.nn", "Linear")),
        mapping(_parameters=b"}", _modules=mapping(a=runs(tmp_path / "ran"))),
    )
    with pytest.raises(files.TaskError, match=r"holds os\.system"):
        _read(files, tmp_path, module)
    assert not (tmp_path / "ran").exists()


def test_a_function_of_torch_is_changed_by_no_file(files: Any, tmp_path: Path) -> None:
    """A state makes attributes, and those of a function are what it calls and with which defaults."""
    function = named("torch._utils", "_rebuild_tensor_v2")
    _read(files, tmp_path, build(function, mapping(__defaults__=many(number(1)))))
    assert _read(files, tmp_path, tensor(4)).shape == (4,)


DAMAGED = {
    "a call of a number": number(1) + many() + b"R",
    "a call of a dict": b"}" + many() + b"R",
    "arguments that are no tuple": OURS + b"]" + b"R",
    "a tensor without a storage": call(
        named("torch._utils", "_rebuild_tensor_v2"), number(1), number(0), many(), many(), NONE, NONE
    ),
    "an item of a tensor": tensor(4) + text("a") + number(1) + b"s",
    "an object from elsewhere": many(text("code"), text("a")) + b"Q",
    "a storage of another kind": many(text("storage"), OURS, text("0"), text("cpu"), number(4)) + b"Q",
    "a part beyond its storage": tensor(4, view=many(text("v"), number(2), number(3))),
    "an extension of pickle's": b"\x82\x01",
}


@pytest.mark.parametrize("value", DAMAGED.values(), ids=DAMAGED)
def test_what_no_framework_writes_is_a_damaged_file(files: Any, tmp_path: Path, value: bytes) -> None:
    with pytest.raises(files.TaskError, match=r"w\.pth cannot be read: it is damaged"):
        _read(files, tmp_path, value)


def test_a_part_of_a_storage_in_the_format_of_old(files: Any, tmp_path: Path) -> None:
    read = _read(files, tmp_path, tensor(4, view=many(text("v"), number(1), number(3))))
    assert (read.storage.start, read.storage.length) == (4, 3)


def test_parameters_and_tensors_of_a_class_are_the_tensors_in_them(files: Any, tmp_path: Path) -> None:
    parameter = call(named("torch._utils", "_rebuild_parameter"), tensor(4), b"\x88", b"}")
    function = named("torch._utils", "_rebuild_tensor_v2")
    storage_and_more = tensor(4)[len(function) : -1]
    typed = call(named("torch._tensor", "_rebuild_from_type_v2"), function, OURS, storage_and_more, STATE)
    for value in (parameter, typed):
        assert _read(files, tmp_path, value).shape == (4,)


def test_an_ordered_dict_is_a_dict(files: Any, tmp_path: Path) -> None:
    """With the versions that torch attaches to it."""
    ordered = build(call(named("collections", "OrderedDict")), mapping(_metadata=b"}"))
    assert _read(files, tmp_path, ordered + text("a") + number(1) + b"s") == {"a": 1}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x10\0\0\0\0\0\0\0" + b"{" + b" " * 15, True),
        (b"\x11\0\0\0\0\0\0\0" + b"{" + b" " * 15, False),
        (b"PK\x03\x04" + b"{" * 30, False),
        (b"\x80\x02}q\0.", False),
        (b"", False),
    ],
)
def test_safetensors_are_told_by_what_is_inside(
    files: Any, tmp_path: Path, content: bytes, expected: bool
) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(content)
    assert files.is_safetensors(str(path)) is expected
