"""Which set of tensors is taken of what training scripts save, on containers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

TIMM = ("state_dict_ema", "model_ema", "state_dict", "model")
TORCHVISION = ("model",)
MMCLS = ("state_dict",)


class Tensor:
    """What has a shape."""

    shape = (2,)


def _set(*names: str) -> dict[str, Any]:
    return {name: Tensor() for name in names or ("a.weight", "a.bias")}


@pytest.fixture(scope="module")
def entries(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("pytorch_entries")


@pytest.fixture(scope="module")
def record(worker_module: Callable[[str], Any]) -> Callable[..., Any]:
    pickles = worker_module("pytorch_pickles")

    def make(name: str, state: Any = None, items: dict[str, Any] | None = None) -> Any:
        made = pickles.Record(name)
        made.state, made.items = state, items or {}
        return made

    return make


OPTIMISER = {"state": {0: {"exp_avg": Tensor(), "step": Tensor()}}, "param_groups": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    ("preferred", "keys", "expected"),
    [
        (TIMM, ["state_dict", "state_dict_ema", "model_ema"], "state_dict_ema"),
        (TIMM, ["model", "model_ema"], "model_ema"),
        (TIMM, ["model", "state_dict"], "state_dict"),
        (TORCHVISION, ["model_ema", "model"], "model"),
        (TORCHVISION, ["model_ema"], "model_ema"),
        (MMCLS, ["ema_state_dict", "state_dict"], "state_dict"),
        (MMCLS, ["net", "ema"], "net"),
        (TIMM, ["model_state_dict", "teacher"], "model_state_dict"),
        (TIMM, ["weights of the network"], "weights of the network"),
    ],
)
def test_the_set_that_the_framework_itself_would_load(
    entries: Any, preferred: tuple[str, ...], keys: list[str], expected: str
) -> None:
    sets = {key: _set() for key in keys}
    found = entries.choose({"epoch": 3, "optimizer": OPTIMISER, **sets}, preferred, None, "w.pth")
    assert found.entry == expected
    assert found.tensors == sets[expected]
    assert set(found.others) == set(keys) - {expected}


def test_the_file_itself_is_a_set(entries: Any) -> None:
    found = entries.choose(_set(), TIMM, None, "w.pth")
    assert (found.entry, found.others, set(found.tensors)) == ("", (), {"a.weight", "a.bias"})


def test_a_key_that_holds_no_tensors_is_passed_over(entries: Any) -> None:
    saved = {"state_dict_ema": None, "model_ema": {"decay": 0.9}, "state_dict": _set(), "rng_state": Tensor()}
    assert entries.choose(saved, TIMM, None, "w.pth").entry == "state_dict"


def test_tensors_beside_the_network_are_not_taken_for_it(entries: Any) -> None:
    saved = {"generator": _set(), "rng_state": Tensor(), "step": Tensor(), "seed": 3}
    saved["generator"] = _set("a", "b", "c")
    assert entries.choose(saved, (), None, "w.pth").entry == "generator"
    beside = {**_set("a", "b", "c"), "mean": _set("of_pictures")}
    assert entries.choose(beside, (), None, "w.pth").entry == ""


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ("model", {"a.weight", "a.bias"}),
        ("ema", {"a.weight", "a.bias"}),
        ("ema.shadow", {"a.weight", "a.bias"}),
        ("pl.teacher", {"a.weight"}),
        ("pl.teacher.a", {"weight"}),
        ("with.dots", {"b"}),
    ],
)
def test_an_entry_is_a_key_keys_or_the_beginning_of_names(entries: Any, entry: str, names: set[str]) -> None:
    saved = {
        "model": _set(),
        "ema": {"decay": 0.9, "shadow": _set()},
        "pl": _set("student.a.weight", "teacher.a.weight"),
        "with.dots": _set("b"),
    }
    assert set(entries.choose(saved, TIMM, entry, "w.pth").tensors) == names


def test_an_entry_that_is_not_there(entries: Any) -> None:
    saved = {"model": _set(), "ema": {"shadow": _set()}, "epoch": 3, "optimizer": OPTIMISER}
    with pytest.raises(entries.TaskError) as caught:
        entries.choose(saved, TIMM, "model_ema", "w.pth")
    assert str(caught.value) == "w.pth has no entry 'model_ema' with tensors: it has model, ema.shadow"
    for entry in ("epoch", "optimizer", "ema.decay"):
        with pytest.raises(entries.TaskError, match=f"no entry '{entry}'"):
            entries.choose(saved, TIMM, entry, "w.pth")
    with pytest.raises(entries.TaskError, match="it is one set by itself, so leave `entry` out"):
        entries.choose(_set(), TIMM, "model", "w.pth")


def test_several_sets_of_which_none_is_known(entries: Any) -> None:
    with pytest.raises(entries.TaskError, match=r"entry: student\}\. It has student, teacher"):
        entries.choose({"student": _set(), "teacher": _set()}, TIMM, None, "w.pth")


@pytest.mark.parametrize(
    ("saved", "what"),
    [
        ({"epoch": 3, "lr": 0.1}, "a dict with the keys epoch, lr"),
        ([1, 2], "a list"),
        (OPTIMISER, "a dict with the keys param_groups, state"),
    ],
)
def test_nothing_to_take(entries: Any, saved: Any, what: str) -> None:
    with pytest.raises(entries.TaskError, match=rf"^w\.pth holds no tensors by name: it is {what}"):
        entries.choose(saved, TIMM, None, "w.pth")


def test_a_record_in_the_place_of_the_network_is_told_by_its_name(entries: Any, record: Any) -> None:
    with pytest.raises(entries.TaskError, match=r"the keys net \(a numpy\.ndarray\)"):
        entries.choose({"net": record("numpy.ndarray")}, TIMM, None, "w.pth")
    with pytest.raises(entries.TaskError, match=r"it is a argparse\.Namespace"):
        entries.choose(record("argparse.Namespace", _set()), TIMM, None, "w.pth")


def _module(record: Any, tensors: dict[str, Any] | None = None, **parts: Any) -> Any:
    state = {"_parameters": tensors or {}, "_buffers": {}, "_modules": parts, "training": True}
    return record("net.Net", state)


def test_a_pickled_network_is_read_as_its_state_dict(entries: Any, record: Any) -> None:
    layer = _module(record, {"weight": Tensor(), "bias": None})
    layer.state["_buffers"] = {"mean": Tensor(), "scratch": Tensor()}
    layer.state["_non_persistent_buffers_set"] = {"scratch"}
    network = _module(record, None, stem=_module(record, None, conv=layer), dropped=None, head=layer)
    names = ["stem.conv.weight", "stem.conv.mean", "head.weight", "head.mean"]
    assert list(entries.tensors_of(network)) == names
    for saved, entry in ((network, ""), ({"model": network, "epoch": 3}, "model")):
        found = entries.choose(saved, TIMM, None, "w.pth")
        assert (list(found.tensors), found.entry) == (names, entry)


def test_a_dict_of_another_class_is_a_dict(entries: Any, record: Any) -> None:
    saved = record("addict.Dict", None, {"state_dict": record("net.State", None, _set())})
    assert entries.choose(saved, MMCLS, None, "w.pth").tensors.keys() == {"a.weight", "a.bias"}


def test_a_network_within_itself_has_an_end(entries: Any, record: Any) -> None:
    itself = _module(record, {"weight": Tensor()})
    itself.state["_modules"] = {"a": itself, "b": itself}
    doubled = _module(record, {"weight": Tensor()})
    for _ in range(60):
        doubled = _module(record, None, a=doubled, b=doubled)
    for network in (itself, doubled):
        with pytest.raises(ValueError, match="more than 100000 parts"):
            entries.tensors_of(network)


def test_containers_within_themselves_have_an_end(entries: Any) -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless["state_dict"] = endless
    with pytest.raises(entries.TaskError, match="holds no tensors by name"):
        entries.choose(endless, MMCLS, None, "w.pth")
    endless["model"] = _set()
    assert entries.choose(endless, TORCHVISION, None, "w.pth").entry == "model"
    with pytest.raises(RecursionError):  # which is a damaged file to the reader
        entries.choose(endless, MMCLS, None, "w.pth")
