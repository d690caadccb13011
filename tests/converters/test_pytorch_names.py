"""Names of tensors behind prefixes and beside others, on shapes alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

WANTED = {
    "conv.weight": (8, 3, 3, 3),
    "blocks.0.fc.weight": (8, 8),
    "blocks.1.fc.weight": (8, 8),
    "fc.weight": (10, 8),
    "fc.bias": (10,),
}


@pytest.fixture(scope="module")
def names(worker_module: Callable[[str], Any]) -> Any:
    return worker_module("pytorch_names")


def _behind(prefix: str) -> dict[str, tuple[int, ...]]:
    return {prefix + name: shape for name, shape in WANTED.items()}


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "backbone.inner."]
)
@pytest.mark.parametrize("surplus", [{}, {"n_averaged": ()}, {"criterion.weight": (10,), "mean": (3, 1, 1)}])
def test_behind_a_prefix_and_beside_others(names: Any, prefix: str, surplus: dict[str, Any]) -> None:
    found = names.match({**surplus, **_behind(prefix)}, WANTED)
    assert found.names == {name: prefix + name for name in WANTED}
    assert (found.how, found.prefix, found.surplus) == ("by name", prefix, tuple(surplus))


def test_buffers_of_profilers_and_averages_of_mmcls(names: Any) -> None:
    surplus = {"total_ops": (1,), "blocks.0.total_params": (1,), "ema_conv_weight": (8, 3, 3, 3)}
    assert names.match(WANTED | surplus, WANTED).surplus == tuple(surplus)


def test_the_network_itself_comes_before_what_keeps_a_copy_of_it(names: Any) -> None:
    copy = _behind("ema_model.")
    assert names.match(copy | WANTED, WANTED).prefix == ""
    found = names.match(copy | _behind("model."), WANTED)
    assert (found.prefix, found.surplus) == ("model.", tuple(copy))


def test_two_networks_of_which_either_could_be_meant(names: Any) -> None:
    with pytest.raises(names.TaskError, match=r"holds 2 networks that fit the model.*student, teacher"):
        names.match(_behind("student.") | _behind("teacher."), WANTED)


def test_a_deeper_network_is_not_cut_to_fit(names: Any) -> None:
    """All that is needed is there, by name and shape: of a network that computes something else."""
    for prefix in ("", "module."):
        deeper = _behind(prefix) | {f"{prefix}blocks.{number}.fc.weight": (8, 8) for number in (2, 3)}
        with pytest.raises(
            names.TaskError, match=rf"2 more of layers like its own: {prefix}blocks.2.fc.weight"
        ):
            names.match(deeper, WANTED)


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_head_of_another_length_is_named_without_the_prefix(
    names: Any, worker_module: Callable[[str], Any], prefix: str
) -> None:
    """So that a network of as many classes can be built, whatever wraps it in the file."""
    checkpoints = worker_module("checkpoints")
    other = _behind(prefix) | {f"{prefix}fc.bias": (37,), "criterion.weight": (37,)}
    with pytest.raises(checkpoints.OtherHeadError) as caught:
        names.match(other, WANTED)
    assert (caught.value.given, caught.value.needed) == (37, 10)
    message = str(caught.value)
    assert "fc.bias has shape (37,), needed is (10,)" in message
    assert "is missing" not in message


def test_a_tensor_that_is_missing_lets_none_be_passed_over(names: Any) -> None:
    loaded = _behind("model.") | {"criterion.weight": (10,)}
    del loaded["model.fc.bias"]
    with pytest.raises(
        names.TaskError, match=r"fc\.bias \(10,\) is missing; criterion\.weight \(10,\) is not"
    ):
        names.match(loaded, WANTED)


def test_other_names_are_matched_in_order_and_only_where_none_is_left_over(names: Any) -> None:
    renamed = {f"tensor{index}": shape for index, shape in enumerate(WANTED.values())}
    found = names.match(renamed, WANTED)
    assert (found.how, list(found.names.values())) == ("in order", list(renamed))
    with pytest.raises(names.TaskError, match="6 tensors given, 5 needed"):
        names.match(renamed | {"n_averaged": ()}, WANTED)
